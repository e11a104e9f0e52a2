// Steps of the dense optimizers over flat spans of one size: w are the parameters, g their
// gradients, the rest is state. Elements are independent of each other except where a norm is
// named. A norm is the root of a sum of squares in double; it stays in the memory of the numbers,
// so that a step never waits for a device. Spans may not overlap. Sources: worker/math/optimizers/.
//
//   sgd:       w -= a g
//   momentum:  u = c u + g; w -= a u
//   nesterov:  u = c u + g; w -= a (g + c u)
//   adagrad:   s += g^2; w -= a g / (sqrt(initial + s) + epsilon)
//   adam:      m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; w -= a m' / (sqrt(v') + epsilon),
//              where m' = m / (1 - b1^t) and v' = v / (1 - b2^t)
//   adam_direction: m and v as in adam; u = m' / (sqrt(v') + epsilon) + d w, with one d per element
//   adamw:     the same; w -= a u
//   move_by_norms: w -= a |w| / |u| u, without the norms where one of them is 0
//   clip:      g *= c / |g| where |g| > c
#pragma once

#include <span>

namespace cairn::math {

struct AdagradFactors {
  float rate;  // a
  float epsilon;
  float initial;
};

struct AdamFactors {
  float beta1, one_less_beta1;
  float beta2, one_less_beta2;
  float unbiased, root_unbiased;  // 1 / (1 - beta1^t), 1 / sqrt(1 - beta2^t)
  float epsilon;
  float rate;           // a
  float unbiased_rate;  // a / (1 - beta1^t)
};

struct AdamSpans {
  std::span<float> w, m, v;
  std::span<const float> g;
};

}  // namespace cairn::math
