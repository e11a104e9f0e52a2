// The operations of the mathematics, as a table of plain functions: one table per backend, chosen
// once by the job's device. Every operation is deterministic: the same inputs and shapes give the
// same bits, on any thread, with the same number of math threads. Shapes that disagree are a bug
// and end the process. Thread safety: the functions keep no state that threads share.
#pragma once

#include <span>
#include <string_view>

#include "common/config/train_config.h"
#include "common/result.h"
#include "worker/math/ops/activation.h"
#include "worker/math/ops/attention.h"
#include "worker/math/ops/cross.h"
#include "worker/math/ops/dropout.h"
#include "worker/math/ops/embedding.h"
#include "worker/math/ops/gates.h"
#include "worker/math/ops/interaction.h"
#include "worker/math/ops/linear.h"
#include "worker/math/ops/loss.h"
#include "worker/math/ops/matmul.h"
#include "worker/math/ops/normalization.h"
#include "worker/math/ops/optimizer.h"
#include "worker/math/tensor/arena.h"

namespace cairn::math {

struct Ops {
  std::string_view name;

  // The memory of this backend's numbers; for a GPU that of the calling thread's device. All
  // matrices, ids and sums that operations are given stand in it, lists of them in the host's. A
  // device may do its work later: `Memory::read` waits for it.
  Memory& (*memory)();

  void (*zero)(Matrix y);
  void (*fill)(Matrix y, float value);
  void (*scale)(Matrix y, float factor);
  void (*copy)(ConstMatrix x, const Gradient& y);  // y = x, or y += x
  void (*add_scaled)(ConstMatrix x, float factor, Matrix y);
  // Moves contents of rows of `y` to other rows. No row is both a source and a target, and none is
  // a target twice.
  void (*move_rows)(std::span<const RowMove> moves, Matrix y);

  // Whether products of rounded factors are faster than of float32 on this machine.
  bool (*multiplies_bf16)();
  bool (*multiplies_tf32)();                      // whether factors of float32 can be cut to TF32
  void (*round)(ConstMatrix x, RoundedMatrix y);  // to the nearest, ties to even
  void (*matmul)(Factor a, Factor b, const Gradient& c);

  void (*linear_forward)(const LinearInputs& in, Matrix y);
  // `dy` is used up: it may hold anything afterwards.
  void (*linear_backward)(const LinearInputs& in, ConstMatrix y, Matrix dy, Arena& arena,
                          const LinearGradients& out);

  void (*cross_forward)(const CrossInputs& in, Matrix mixed, Matrix y);
  void (*cross_backward)(const CrossInputs& in, ConstMatrix mixed, ConstMatrix dy, Arena& arena,
                         const CrossGradients& out);

  void (*gates_forward)(const GateInputs& in, Matrix probabilities,
                        std::span<const Matrix> outputs);
  void (*gates_backward)(const GateInputs& in, ConstMatrix probabilities,
                         std::span<const Matrix> doutputs, const GateGradients& out);

  void (*gate_scale_forward)(const GateInputs& in, Matrix probabilities, Matrix y);
  void (*gate_scale_backward)(const GateInputs& in, ConstMatrix probabilities, ConstMatrix dy,
                              const GateGradients& out);

  void (*activation_forward)(const ActivationInputs& in, Matrix y);
  void (*activation_backward)(const ActivationInputs& in, ConstMatrix y, ConstMatrix dy,
                              const ActivationGradients& out);

  void (*layer_norm_forward)(const LayerNormInputs& in, Matrix moments, Matrix y);
  void (*layer_norm_backward)(const LayerNormInputs& in, ConstMatrix moments, ConstMatrix dy,
                              const LayerNormGradients& out);
  void (*invert_deviation)(ConstMatrix variance, Matrix inverse);
  void (*move_towards)(ConstMatrix seen, float factor, Matrix running);
  void (*column_sums)(ConstMatrix x, Matrix sums);
  void (*column_squares)(ConstMatrix x, ConstMatrix mean, Matrix sums);
  void (*normalize)(const NormalizeInputs& in, Matrix y);
  void (*normalize_sums)(const NormalizeInputs& in, ConstMatrix dy, Matrix sums);
  void (*normalize_backward)(const NormalizeInputs& in, ConstMatrix dy, ConstMatrix sums,
                             float rows, const Gradient& dx);
  void (*dropout_forward)(ConstMatrix x, const DropoutKey& key, float rate, Matrix mask, Matrix y);
  void (*dropout_backward)(ConstMatrix mask, ConstMatrix dy, const Gradient& dx);

  void (*combine_forward)(const CombineInputs& in, Matrix y);
  void (*combine_backward)(const CombineInputs& in, ConstMatrix dy, const CombineGradients& out);
  void (*vector_cross_forward)(const VectorCrossInputs& in, Matrix y);
  void (*vector_cross_backward)(const VectorCrossInputs& in, ConstMatrix dy,
                                const VectorCrossGradients& out);
  void (*pairs_forward)(ConstMatrix x, Matrix sums, Matrix y);  // `sums` over fields, for backward
  void (*pairs_backward)(ConstMatrix x, ConstMatrix sums, ConstMatrix dy, const Gradient& dx);
  void (*dots_forward)(ConstMatrix x, size_t dim, Matrix y);
  void (*dots_backward)(ConstMatrix x, size_t dim, ConstMatrix dy, const Gradient& dx);
  void (*number_fields_forward)(ConstMatrix x, ConstMatrix vectors, Matrix y);
  void (*number_fields_backward)(ConstMatrix x, ConstMatrix dy, const Gradient& vectors);
  void (*sum_groups_forward)(ConstMatrix x, Matrix y);
  void (*sum_groups_backward)(ConstMatrix dy, const Gradient& dx);

  void (*pool_forward)(std::span<const PooledBag> bags, Matrix y);
  // One gradient per bag. Where several bags share a table, the first replaces and the others add.
  void (*pool_backward)(std::span<const PooledBag> bags, ConstMatrix y, ConstMatrix dy,
                        std::span<const Gradient> dtables);

  void (*attention_inputs_forward)(const AttentionInputs& in, Matrix y);
  void (*attention_inputs_backward)(const AttentionInputs& in, ConstMatrix dy,
                                    const AttentionGradients& out);
  void (*bag_softmax_forward)(const BagView& bag, ConstMatrix scores, Matrix y);
  void (*bag_softmax_backward)(const BagView& bag, ConstMatrix y, ConstMatrix dy,
                               const Gradient& dscores);
  void (*weighted_pool_forward)(const WeightedPoolInputs& in, Matrix y);
  void (*weighted_pool_backward)(const WeightedPoolInputs& in, ConstMatrix dy,
                                 const WeightedPoolGradients& out);

  // `sum` receives the loss summed over the batch, unscaled.
  void (*bce)(const LossInputs& in, Matrix predictions, const Gradient& dlogits, double* sum);
  void (*mse)(const LossInputs& in, Matrix predictions, const Gradient& dlogits, double* sum);
  void (*focal)(const LossInputs& in, float gamma, float alpha, Matrix predictions,
                const Gradient& dlogits, double* sum);
  void (*huber)(const LossInputs& in, float delta, Matrix predictions, const Gradient& dlogits,
                double* sum);
  void (*bce_of_product)(std::span<const ConstMatrix> logits, const LossTarget& target,
                         Matrix predictions, std::span<const Gradient> dlogits, double* sum);
  // `sum` receives this worker's part of the mean over pairs, times in.rows.
  void (*pairwise)(const PairwiseInputs& in, Arena& arena, Matrix predictions,
                   const Gradient& dlogits, double* sum);
  void (*uncertainty_forward)(ConstMatrix log_variances, Matrix precisions);
  void (*uncertainty_backward)(const UncertaintyInputs& in, Matrix dlog_variance);
  // Predictions without a loss.
  void (*sigmoid)(ConstMatrix logits, Matrix predictions);
  void (*product_of_sigmoids)(std::span<const ConstMatrix> logits, Matrix predictions);

  void (*sgd)(std::span<float> w, std::span<const float> g, float rate);
  void (*momentum)(std::span<float> w, std::span<float> u, std::span<const float> g, float rate,
                   float c);
  void (*nesterov)(std::span<float> w, std::span<float> u, std::span<const float> g, float rate,
                   float c);
  void (*adagrad)(std::span<float> w, std::span<float> s, std::span<const float> g,
                  const AdagradFactors& factors);
  void (*adam)(const AdamSpans& spans, const AdamFactors& factors);
  void (*adamw)(const AdamSpans& spans, std::span<const float> decay, const AdamFactors& factors);
  // Leaves spans.w as it is.
  void (*adam_direction)(const AdamSpans& spans, std::span<const float> decay,
                         const AdamFactors& factors, std::span<float> u);
  void (*move_by_norms)(std::span<float> w, std::span<const float> u, float rate);
  void (*clip)(std::span<float> g, float norm_max);
};

const Ops& cpu_ops();
// On the GPU of the calling thread (worker/math/device/cuda_device.h). With `tf32`, products of
// float32 cut their factors to TF32. Errors: kUnavailable where this build has no CUDA, or this
// machine no GPU.
Result<const Ops*> cuda_ops(bool tf32 = false);

// "cpu" or "cuda". Errors: kInvalidArgument for another name, kUnavailable as above.
Result<const Ops*> ops_of_device(std::string_view device, Precision precision = Precision::kF32);

// Threads that operations called by the calling thread may use; at first 1, so that the bits of a
// worker do not depend on the machine's cores.
void set_math_threads(int threads);
int math_threads();

}  // namespace cairn::math
