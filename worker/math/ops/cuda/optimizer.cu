// One launch over the flat buffer for all that has no norm; those take one more, or two where the
// span is longer than a piece.
#include <cmath>

#include "common/check.h"
#include "worker/math/ops/cuda/cuda_kernels.h"
#include "worker/math/ops/cuda/reductions.h"

namespace cairn::math::CAIRN_KERNELS {
namespace {

constexpr size_t kPiece = 4096;

// Scratch of a reduction over `count` items: its partial sums, and the factor that it ends in.
struct NormScratch {
  double* partial;
  float* factor;
};

template <int N>
NormScratch norm_scratch(size_t count) {
  const size_t partials = sum_scratch<N, kPiece>(count);
  auto* partial = static_cast<double*>(device().scratch((partials + 1) * sizeof(double)));
  return {partial, reinterpret_cast<float*>(partial + partials)};
}

void check_sizes(const AdamSpans& s) {
  check(s.w.size() == s.g.size() && s.m.size() == s.g.size() && s.v.size() == s.g.size(),
        "adam: values, state and gradients differ in size");
}

}  // namespace

void sgd(std::span<float> values, std::span<const float> gradients, float rate) {
  check(values.size() == gradients.size(), "sgd: values and gradients differ in size");
  float* w = values.data();
  const float* g = gradients.data();
  for_each(values.size(), [=] CAIRN_BODY(size_t i) { w[i] -= rate * g[i]; });
}

void momentum(std::span<float> values, std::span<float> state, std::span<const float> gradients,
              float rate, float c) {
  check(values.size() == gradients.size() && state.size() == gradients.size(),
        "momentum: values, state and gradients differ in size");
  float *w = values.data(), *u = state.data();
  const float* g = gradients.data();
  for_each(values.size(), [=] CAIRN_BODY(size_t i) {
    const float moved = c * u[i] + g[i];
    u[i] = moved;
    w[i] -= rate * moved;
  });
}

void nesterov(std::span<float> values, std::span<float> state, std::span<const float> gradients,
              float rate, float c) {
  check(values.size() == gradients.size() && state.size() == gradients.size(),
        "nesterov: values, state and gradients differ in size");
  float *w = values.data(), *u = state.data();
  const float* g = gradients.data();
  for_each(values.size(), [=] CAIRN_BODY(size_t i) {
    const float moved = c * u[i] + g[i];
    u[i] = moved;
    w[i] -= rate * (g[i] + c * moved);
  });
}

void adagrad(std::span<float> values, std::span<float> squares, std::span<const float> gradients,
             const AdagradFactors& factors) {
  check(values.size() == gradients.size() && squares.size() == gradients.size(),
        "adagrad: values, state and gradients differ in size");
  float *w = values.data(), *s = squares.data();
  const float* g = gradients.data();
  const AdagradFactors f = factors;
  for_each(values.size(), [=] CAIRN_BODY(size_t i) {
    const float sum = s[i] + g[i] * g[i];
    s[i] = sum;
    w[i] -= f.rate * g[i] / (std::sqrt(f.initial + sum) + f.epsilon);
  });
}

void adam(const AdamSpans& s, const AdamFactors& factors) {
  check_sizes(s);
  float *w = s.w.data(), *m = s.m.data(), *v = s.v.data();
  const float* g = s.g.data();
  const AdamFactors f = factors;
  for_each(s.w.size(), [=] CAIRN_BODY(size_t i) {
    const float mean = f.beta1 * m[i] + f.one_less_beta1 * g[i];
    const float square = f.beta2 * v[i] + f.one_less_beta2 * (g[i] * g[i]);
    m[i] = mean;
    v[i] = square;
    w[i] -= f.unbiased_rate * mean / (std::sqrt(square) * f.root_unbiased + f.epsilon);
  });
}

void adamw(const AdamSpans& s, std::span<const float> decays, const AdamFactors& factors) {
  check_sizes(s);
  check(decays.size() == s.w.size(), "adamw: decay and values differ in size");
  float *w = s.w.data(), *m = s.m.data(), *v = s.v.data();
  const float *g = s.g.data(), *decay = decays.data();
  const AdamFactors f = factors;
  for_each(s.w.size(), [=] CAIRN_BODY(size_t i) {
    const float mean = f.beta1 * m[i] + f.one_less_beta1 * g[i];
    const float square = f.beta2 * v[i] + f.one_less_beta2 * (g[i] * g[i]);
    m[i] = mean;
    v[i] = square;
    w[i] -= f.rate * (f.unbiased * mean / (std::sqrt(square) * f.root_unbiased + f.epsilon) +
                      decay[i] * w[i]);
  });
}

void adam_direction(const AdamSpans& s, std::span<const float> decays, const AdamFactors& factors,
                    std::span<float> direction) {
  check_sizes(s);
  check(decays.size() == s.w.size() && direction.size() == s.w.size(),
        "adam direction: decay, direction and values differ in size");
  float *m = s.m.data(), *v = s.v.data(), *u = direction.data();
  const float *w = s.w.data(), *g = s.g.data(), *decay = decays.data();
  const AdamFactors f = factors;
  for_each(s.w.size(), [=] CAIRN_BODY(size_t i) {
    const float mean = f.beta1 * m[i] + f.one_less_beta1 * g[i];
    const float square = f.beta2 * v[i] + f.one_less_beta2 * (g[i] * g[i]);
    m[i] = mean;
    v[i] = square;
    u[i] = f.unbiased * mean / (std::sqrt(square) * f.root_unbiased + f.epsilon) + decay[i] * w[i];
  });
}

void move_by_norms(std::span<float> values, std::span<const float> direction, float rate) {
  check(values.size() == direction.size(), "move by norms: values and direction differ in size");
  float* w = values.data();
  const float* u = direction.data();
  const NormScratch scratch = norm_scratch<2>(values.size());
  sum_all<2, kPiece>(
      values.size(), scratch.partial,
      [=] CAIRN_BODY(size_t i, double* sums) {
        sums[0] += static_cast<double>(w[i]) * w[i];
        sums[1] += static_cast<double>(u[i]) * u[i];
      },
      [=] CAIRN_BODY(const double* sums) {
        const double of_w = std::sqrt(sums[0]), of_u = std::sqrt(sums[1]);
        const float ratio = of_w > 0.0 && of_u > 0.0 ? static_cast<float>(of_w / of_u) : 1.0f;
        *scratch.factor = rate * ratio;
      });
  for_each(values.size(), [=] CAIRN_BODY(size_t i) { w[i] -= *scratch.factor * u[i]; });
}

void clip(std::span<float> gradients, float norm_max) {
  float* g = gradients.data();
  const NormScratch scratch = norm_scratch<1>(gradients.size());
  sum_all<1, kPiece>(
      gradients.size(), scratch.partial,
      [=] CAIRN_BODY(size_t i, double* sums) { sums[0] += static_cast<double>(g[i]) * g[i]; },
      [=] CAIRN_BODY(const double* sums) {
        const double of_g = std::sqrt(sums[0]), most = norm_max;
        *scratch.factor = of_g > most ? static_cast<float>(most / of_g) : 1.0f;
      });
  for_each(gradients.size(), [=] CAIRN_BODY(size_t i) {
    if (*scratch.factor != 1.0f) g[i] *= *scratch.factor;
  });
}

}  // namespace cairn::math::CAIRN_KERNELS
