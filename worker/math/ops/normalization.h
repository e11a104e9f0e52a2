// Normalisation by rows and by columns. Row-major float32; outputs may not overlap inputs.
// Shapes: x, y [batch, units]; scale, shift, mean, inverse [1, units]; moments [batch, 2].
//
// layer_norm: y = (x - m) / sqrt(v + epsilon) * scale + shift, with m and v the mean and variance
//     of the row. `moments` keeps m and 1 / sqrt(v + epsilon). Source: Ba, Kiros, Hinton,
//     arXiv:1607.06450.
//
// Batch normalisation in parts, between which workers add up their sums. Source: Ioffe and Szegedy,
// ICML 2015, algorithm 1.
//   column_sums:        sums_c = sum over rows of x_c
//   column_squares:     sums_c = sum over rows of (x_c - mean_c)^2
//   invert_deviation:   inverse = 1 / sqrt(variance + epsilon)
//   move_towards:       running += (factor seen - running) / 10
//   normalize:          y = (x - mean) inverse scale + shift
//   normalize_sums:     sums [2, units]: those of dy, and those of dy (x - mean) inverse
//   normalize_backward: dx = scale inverse (dy - sums_0 / rows - (x - mean) inverse sums_1 / rows),
//                       with the sums and the number of rows of all workers together
#pragma once

#include "worker/math/ops/gradient.h"

namespace cairn::math {

inline constexpr float kNormalizationEpsilon = 1e-5f;
inline constexpr float kStatisticsMomentum = 0.1f;  // share of a step in running statistics

struct LayerNormInputs {
  ConstMatrix x, scale, shift;
};
struct LayerNormGradients {
  Gradient x, scale, shift;
};

struct NormalizeInputs {
  ConstMatrix x, mean, inverse, scale, shift;
};

}  // namespace cairn::math
