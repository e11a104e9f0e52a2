// A softmax is of few experts: one thread makes it. What is a sum over units is made by a warp.
#include <algorithm>
#include <cmath>

#include "worker/math/ops/cuda/cuda_kernels.h"
#include "worker/math/ops/cuda/view.h"
#include "worker/math/ops/gate_shapes.h"

namespace cairn::math::CAIRN_KERNELS {
namespace {

GateSizes check_scale_shapes(const GateInputs& in, ConstMatrix probabilities, ConstMatrix y) {
  const size_t experts = in.logits.cols, units = in.experts.cols / experts;
  check(experts <= kExpertsMax && is(in.experts, y.rows, experts * units) &&
            is(in.logits, y.rows, experts) && is(probabilities, y.rows, experts) &&
            y.cols == in.experts.cols,
        "gate scale: shapes differ");
  return {y.rows, 1, experts, units};
}

// Matrices of some tasks side by side, as one body captures them: what all share it reads once.
constexpr size_t kTasksAtOnce = 8;
struct SomeTasks {
  View of[kTasksAtOnce];
  size_t first, count;
};

SomeTasks some_tasks(std::span<const Matrix> all, size_t first) {
  SomeTasks some = {{}, first, std::min(kTasksAtOnce, all.size() - first)};
  for (size_t t = 0; t < some.count; ++t) some.of[t] = view(all[first + t]);
  return some;
}

// Softmax over the experts of each task.
void softmax(ConstMatrix logits, const GateSizes& s, Matrix probabilities) {
  const ConstView x = view(logits);
  const View y = view(probabilities);
  const size_t experts = s.experts;
  for_each_element(s.batch, s.tasks, [=] CAIRN_BODY(size_t r, size_t t) {
    const float* logit = &x.at(r, t * experts);
    float* p = &y.at(r, t * experts);
    // Less the maximum, so that no exponential overflows.
    float highest = logit[0], sum = 0.0f;
    for (size_t e = 1; e < experts; ++e) highest = logit[e] > highest ? logit[e] : highest;
    for (size_t e = 0; e < experts; ++e) sum += p[e] = std::exp(logit[e] - highest);
    for (size_t e = 0; e < experts; ++e) p[e] /= sum;
  });
}

// The gradients of probabilities, as they stand until the last of them is known.
View probability_gradients(const GateSizes& s) {
  const size_t gates = s.tasks * s.experts;
  return {static_cast<float*>(device().scratch(s.batch * gates * sizeof(float))), gates};
}

// dlogit_e = p_e (dp_e - sum over i of p_i dp_i)
void softmax_backward(ConstMatrix probabilities, View dp, const GateSizes& s,
                      const Target& dlogits) {
  const ConstView p = view(probabilities);
  const size_t experts = s.experts;
  for_each_element(s.batch, s.tasks, [=] CAIRN_BODY(size_t r, size_t t) {
    const size_t first = t * experts;
    float mean = 0.0f;
    for (size_t e = first; e < first + experts; ++e) mean += p.at(r, e) * dp.at(r, e);
    for (size_t e = first; e < first + experts; ++e)
      dlogits.leave(r, e, p.at(r, e) * (dp.at(r, e) - mean));
  });
}

// y = sum over experts of p_e * expert_e
void mix(ConstMatrix probabilities, ConstMatrix experts, const GateSizes& s,
         const SomeTasks& tasks) {
  const ConstView p = view(probabilities), x = view(experts);
  const size_t count = s.experts, units = s.units;
  const SomeTasks y = tasks;
  for_each_element(s.batch, units, [=] CAIRN_BODY(size_t r, size_t u) {
    for (size_t t = 0; t < y.count; ++t) {
      const size_t gate = (y.first + t) * count;
      float sum = 0.0f;
      for (size_t e = 0; e < count; ++e) sum += p.at(r, gate + e) * x.at(r, e * units + u);
      y.of[t].at(r, u) = sum;
    }
  });
}

// dexpert_e = sum over tasks of p_e * dy
void spread(ConstMatrix probabilities, const SomeTasks& tasks, const GateSizes& s,
            const Target& dexperts) {
  const ConstView p = view(probabilities);
  const size_t count = s.experts, units = s.units;
  const SomeTasks dy = tasks;
  for_each_element(s.batch, units, [=] CAIRN_BODY(size_t r, size_t u) {
    for (size_t e = 0; e < count; ++e) {
      float sum = 0.0f;
      for (size_t t = 0; t < dy.count; ++t)
        sum += p.at(r, (dy.first + t) * count + e) * dy.of[t].at(r, u);
      dexperts.leave(r, e * units + u, sum);
    }
  });
}

// dp_e = <dy, expert_e>
void multiply(const SomeTasks& tasks, ConstMatrix experts, const GateSizes& s, View dp) {
  const ConstView x = view(experts);
  const size_t count = s.experts, units = s.units;
  const SomeTasks dy = tasks;
  const size_t gates = dy.count * count;  // per row
  reduce_rows<1>(
      s.batch * gates, units,
      [=] CAIRN_BODY(size_t i, size_t u, double* sums) {
        const size_t r = i / gates, gate = i % gates, t = gate / count, e = gate % count;
        sums[0] += dy.of[t].at(r, u) * x.at(r, e * units + u);
      },
      [=] CAIRN_BODY(size_t i, const double* sums) {
        dp.at(i / gates, dy.first * count + i % gates) = static_cast<float>(sums[0]);
      });
}

}  // namespace

void gates_forward(const GateInputs& in, Matrix probabilities, std::span<const Matrix> outputs) {
  const GateSizes s = gate_sizes(in, probabilities, outputs);
  softmax(in.logits, s, probabilities);
  for (size_t t = 0; t < s.tasks; t += kTasksAtOnce)
    mix(probabilities, in.experts, s, some_tasks(outputs, t));
}

void gates_backward(const GateInputs& in, ConstMatrix probabilities,
                    std::span<const Matrix> doutputs, const GateGradients& out) {
  const GateSizes s = gate_sizes(in, probabilities, doutputs);
  if (out.experts.wanted()) {
    Target dexperts(out.experts);
    for (size_t t = 0; t < s.tasks; t += kTasksAtOnce) {
      spread(probabilities, some_tasks(doutputs, t), s, dexperts);
      dexperts.adds = true;
    }
  }
  if (out.logits.wanted()) {
    const View dp = probability_gradients(s);
    for (size_t t = 0; t < s.tasks; t += kTasksAtOnce)
      multiply(some_tasks(doutputs, t), in.experts, s, dp);
    softmax_backward(probabilities, dp, s, Target(out.logits));
  }
}

void gate_scale_forward(const GateInputs& in, Matrix probabilities, Matrix y) {
  const GateSizes s = check_scale_shapes(in, probabilities, y);
  softmax(in.logits, s, probabilities);
  const ConstView x = view(in.experts);
  const View p = view(probabilities), to = view(y);
  const size_t experts = s.experts, units = s.units;
  for_each_element(s.batch, units, [=] CAIRN_BODY(size_t r, size_t u) {
    for (size_t e = 0; e < experts; ++e)
      to.at(r, e * units + u) = p.at(r, e) * x.at(r, e * units + u);
  });
}

void gate_scale_backward(const GateInputs& in, ConstMatrix probabilities, ConstMatrix dy,
                         const GateGradients& out) {
  const GateSizes s = check_scale_shapes(in, probabilities, dy);
  const ConstView x = view(in.experts), p = view(probabilities), g = view(dy);
  const size_t experts = s.experts, units = s.units;
  const Target dx(out.experts);
  if (dx.wanted())
    for_each_element(s.batch, units, [=] CAIRN_BODY(size_t r, size_t u) {
      for (size_t e = 0; e < experts; ++e)
        dx.leave(r, e * units + u, p.at(r, e) * g.at(r, e * units + u));
    });
  if (!out.logits.wanted()) return;
  const View dp = probability_gradients(s);
  reduce_rows<1>(
      s.batch * experts, units,
      [=] CAIRN_BODY(size_t i, size_t u, double* sums) {
        const size_t r = i / experts, e = i % experts;
        sums[0] += g.at(r, e * units + u) * x.at(r, e * units + u);
      },
      [=] CAIRN_BODY(size_t i, const double* sums) {
        dp.at(i / experts, i % experts) = static_cast<float>(sums[0]);
      });
  softmax_backward(probabilities, dp, s, Target(out.logits));
}

}  // namespace cairn::math::CAIRN_KERNELS
