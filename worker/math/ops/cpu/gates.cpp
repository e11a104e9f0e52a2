#include <algorithm>
#include <cmath>

#include "common/simd.h"
#include "worker/math/ops/cpu/accumulate.h"
#include "worker/math/ops/cpu/cpu.h"
#include "worker/math/ops/cpu/dot.h"
#include "worker/math/ops/gate_shapes.h"

namespace cairn::math::cpu {
namespace {

// Less the maximum, so that no exponential overflows.
void softmax(const float* logits, float* probabilities, size_t count) {
  const float highest = *std::max_element(logits, logits + count);
  float sum = 0.0f;
  for (size_t e = 0; e < count; ++e) sum += probabilities[e] = std::exp(logits[e] - highest);
  for (size_t e = 0; e < count; ++e) probabilities[e] /= sum;
}

// y = sum over experts of p_e * expert_e
CAIRN_SIMD void mix(const float* __restrict p, const float* __restrict experts, float* __restrict y,
                    size_t count, size_t units) {
  for (size_t u = 0; u < units; ++u) y[u] = p[0] * experts[u];
  for (size_t e = 1; e < count; ++e)
    for (size_t u = 0; u < units; ++u) y[u] += p[e] * experts[e * units + u];
}

// y_e = p_e * x_e
CAIRN_SIMD void scale(const float* __restrict p, const float* __restrict x, float* __restrict y,
                      size_t count, size_t units) {
  for (size_t e = 0; e < count; ++e)
    for (size_t u = 0; u < units; ++u) y[e * units + u] = p[e] * x[e * units + u];
}

// dx_e += p_e * dy_e
CAIRN_SIMD void scale_backward(const float* __restrict p, const float* __restrict dy,
                               float* __restrict dx, size_t count, size_t units) {
  for (size_t e = 0; e < count; ++e)
    for (size_t u = 0; u < units; ++u) dx[e * units + u] += p[e] * dy[e * units + u];
}

// dp_e = <dy_e, x_e>
CAIRN_SIMD void scale_probability_gradients(const float* dy, const float* x, float* dp,
                                            size_t count, size_t units) {
  for (size_t e = 0; e < count; ++e) dp[e] = dot(dy + e * units, x + e * units, units);
}

// dlogit_e += p_e (dp_e - sum over i of p_i dp_i)
void softmax_backward(const float* p, const float* dp, float* dlogits, size_t count) {
  float mean = 0.0f;
  for (size_t e = 0; e < count; ++e) mean += p[e] * dp[e];
  for (size_t e = 0; e < count; ++e) dlogits[e] += p[e] * (dp[e] - mean);
}

// dexpert_e += p_e * dy
CAIRN_SIMD void spread(const float* __restrict p, const float* __restrict dy,
                       float* __restrict dexperts, size_t count, size_t units) {
  for (size_t e = 0; e < count; ++e)
    for (size_t u = 0; u < units; ++u) dexperts[e * units + u] += p[e] * dy[u];
}

// dp_e = <dy, expert_e>
CAIRN_SIMD void probability_gradients(const float* dy, const float* experts, float* dp,
                                      size_t count, size_t units) {
  for (size_t e = 0; e < count; ++e) dp[e] = dot(dy, experts + e * units, units);
}

}  // namespace

void gates_forward(const GateInputs& in, Matrix probabilities, std::span<const Matrix> outputs) {
  const GateSizes s = gate_sizes(in, probabilities, outputs);
  for (size_t r = 0; r < s.batch; ++r) {
    for (size_t t = 0; t < s.tasks; ++t) {
      float* p = probabilities.row(r) + t * s.experts;
      softmax(in.logits.row(r) + t * s.experts, p, s.experts);
      mix(p, in.experts.row(r), outputs[t].row(r), s.experts, s.units);
    }
  }
}

void gates_backward(const GateInputs& in, ConstMatrix probabilities,
                    std::span<const Matrix> doutputs, const GateGradients& out) {
  const GateSizes s = gate_sizes(in, probabilities, doutputs);
  if (out.experts.wanted() && !out.experts.adds()) zero(out.experts.into);
  if (out.logits.wanted() && !out.logits.adds()) zero(out.logits.into);
  for (size_t r = 0; r < s.batch; ++r) {
    for (size_t t = 0; t < s.tasks; ++t) {
      const float* p = probabilities.row(r) + t * s.experts;
      const float* dy = doutputs[t].row(r);
      if (out.experts.wanted()) spread(p, dy, out.experts.into.row(r), s.experts, s.units);
      if (!out.logits.wanted()) continue;

      float* dlogits = out.logits.into.row(r) + t * s.experts;
      float dp[kExpertsMax];
      probability_gradients(dy, in.experts.row(r), dp, s.experts, s.units);
      softmax_backward(p, dp, dlogits, s.experts);
    }
  }
}

void gate_scale_forward(const GateInputs& in, Matrix probabilities, Matrix y) {
  const size_t experts = in.logits.cols, units = in.experts.cols / experts;
  check(experts <= kExpertsMax && is(in.experts, y.rows, experts * units) &&
            is(in.logits, y.rows, experts) && is(probabilities, y.rows, experts) &&
            y.cols == in.experts.cols,
        "gate scale: shapes differ");
  for (size_t r = 0; r < y.rows; ++r) {
    softmax(in.logits.row(r), probabilities.row(r), experts);
    scale(probabilities.row(r), in.experts.row(r), y.row(r), experts, units);
  }
}

void gate_scale_backward(const GateInputs& in, ConstMatrix probabilities, ConstMatrix dy,
                         const GateGradients& out) {
  const size_t experts = in.logits.cols, units = in.experts.cols / experts;
  begin(out.experts);
  begin(out.logits);
  for (size_t r = 0; r < dy.rows; ++r) {
    const float* p = probabilities.row(r);
    if (float* dx = row_of(out.experts, r)) scale_backward(p, dy.row(r), dx, experts, units);
    if (float* dlogits = row_of(out.logits, r)) {
      float dp[kExpertsMax];
      scale_probability_gradients(dy.row(r), in.experts.row(r), dp, experts, units);
      softmax_backward(p, dp, dlogits, experts);
    }
  }
}

}  // namespace cairn::math::cpu
