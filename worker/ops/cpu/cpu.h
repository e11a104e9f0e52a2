// The operations on the CPU: see worker/ops/ops.h for what each does.
#pragma once

#include <span>

#include "worker/ops/ops.h"

namespace cairn::cpu {

void zero(Matrix y);
void fill(Matrix y, float value);
void scale(Matrix y, float factor);
void add_scaled(ConstMatrix x, float factor, Matrix y);
void copy(ConstMatrix x, const Gradient& y);

bool multiplies_bf16();
bool multiplies_tf32();
void round(ConstMatrix x, RoundedMatrix y);
void matmul(Factor a, Factor b, const Gradient& c);
// c = f(a b + bias), in one pass over c. `bias` [1, cols of c] may be empty.
void matmul_bias(Factor a, Factor b, ConstMatrix bias, Activation activation, Matrix c);

void linear_forward(const LinearInputs& in, Matrix y);
void linear_backward(const LinearInputs& in, ConstMatrix y, Matrix dy, Arena& arena,
                     const LinearGradients& out);

void cross_forward(const CrossInputs& in, Matrix mixed, Matrix y);
void cross_backward(const CrossInputs& in, ConstMatrix mixed, ConstMatrix dy, Arena& arena,
                    const CrossGradients& out);

void gates_forward(const GateInputs& in, Matrix probabilities, std::span<const Matrix> outputs);
void gates_backward(const GateInputs& in, ConstMatrix probabilities,
                    std::span<const Matrix> doutputs, const GateGradients& out);

void gate_scale_forward(const GateInputs& in, Matrix probabilities, Matrix y);
void gate_scale_backward(const GateInputs& in, ConstMatrix probabilities, ConstMatrix dy,
                         const GateGradients& out);

void activation_forward(const ActivationInputs& in, Matrix y);
void activation_backward(const ActivationInputs& in, ConstMatrix y, ConstMatrix dy,
                         const ActivationGradients& out);

void layer_norm_forward(const LayerNormInputs& in, Matrix moments, Matrix y);
void layer_norm_backward(const LayerNormInputs& in, ConstMatrix moments, ConstMatrix dy,
                         const LayerNormGradients& out);
void invert_deviation(ConstMatrix variance, Matrix inverse);
void move_towards(ConstMatrix seen, float factor, Matrix running);
void column_sums(ConstMatrix x, Matrix sums);
void column_squares(ConstMatrix x, ConstMatrix mean, Matrix sums);
void normalize(const NormalizeInputs& in, Matrix y);
void normalize_sums(const NormalizeInputs& in, ConstMatrix dy, Matrix sums);
void normalize_backward(const NormalizeInputs& in, ConstMatrix dy, ConstMatrix sums, float rows,
                        const Gradient& dx);
void dropout_forward(ConstMatrix x, const DropoutKey& key, float rate, Matrix mask, Matrix y);
void dropout_backward(ConstMatrix mask, ConstMatrix dy, const Gradient& dx);

void combine_forward(const CombineInputs& in, Matrix y);
void combine_backward(const CombineInputs& in, ConstMatrix dy, const CombineGradients& out);
void vector_cross_forward(const VectorCrossInputs& in, Matrix y);
void vector_cross_backward(const VectorCrossInputs& in, ConstMatrix dy,
                           const VectorCrossGradients& out);
void pairs_forward(ConstMatrix x, Matrix sums, Matrix y);
void pairs_backward(ConstMatrix x, ConstMatrix sums, ConstMatrix dy, const Gradient& dx);
void dots_forward(ConstMatrix x, size_t dim, Matrix y);
void dots_backward(ConstMatrix x, size_t dim, ConstMatrix dy, const Gradient& dx);
void number_fields_forward(ConstMatrix x, ConstMatrix vectors, Matrix y);
void number_fields_backward(ConstMatrix x, ConstMatrix dy, const Gradient& vectors);
void sum_groups_forward(ConstMatrix x, Matrix y);
void sum_groups_backward(ConstMatrix dy, const Gradient& dx);

void pool_forward(std::span<const PooledBag> bags, Matrix y);
void pool_backward(std::span<const PooledBag> bags, ConstMatrix y, ConstMatrix dy,
                   std::span<const Gradient> dtables);
void attention_inputs_forward(const AttentionInputs& in, Matrix y);
void attention_inputs_backward(const AttentionInputs& in, ConstMatrix dy,
                               const AttentionGradients& out);
void bag_softmax_forward(const BagView& bag, ConstMatrix scores, Matrix y);
void bag_softmax_backward(const BagView& bag, ConstMatrix y, ConstMatrix dy,
                          const Gradient& dscores);
void weighted_pool_forward(const WeightedPoolInputs& in, Matrix y);
void weighted_pool_backward(const WeightedPoolInputs& in, ConstMatrix dy,
                            const WeightedPoolGradients& out);

void bce(const LossInputs& in, Matrix predictions, const Gradient& dlogits, double* sum);
void mse(const LossInputs& in, Matrix predictions, const Gradient& dlogits, double* sum);
void focal(const LossInputs& in, float gamma, float alpha, Matrix predictions,
           const Gradient& dlogits, double* sum);
void huber(const LossInputs& in, float delta, Matrix predictions, const Gradient& dlogits,
           double* sum);
void pairwise(const PairwiseInputs& in, Arena& arena, Matrix predictions, const Gradient& dlogits,
              double* sum);
void bce_of_product(std::span<const ConstMatrix> logits, const LossTarget& target,
                    Matrix predictions, std::span<const Gradient> dlogits, double* sum);
void uncertainty_forward(ConstMatrix log_variances, Matrix precisions);
void uncertainty_backward(const UncertaintyInputs& in, Matrix dlog_variance);
void sigmoid(ConstMatrix logits, Matrix predictions);
void product_of_sigmoids(std::span<const ConstMatrix> logits, Matrix predictions);

void sgd(std::span<float> w, std::span<const float> g, float rate);
void momentum(std::span<float> w, std::span<float> u, std::span<const float> g, float rate,
              float c);
void nesterov(std::span<float> w, std::span<float> u, std::span<const float> g, float rate,
              float c);
void adagrad(std::span<float> w, std::span<float> s, std::span<const float> g,
             const AdagradFactors& f);
void adam(const AdamSpans& s, const AdamFactors& f);
void adamw(const AdamSpans& s, std::span<const float> decay, const AdamFactors& f);
void adam_direction(const AdamSpans& s, std::span<const float> decay, const AdamFactors& f,
                    std::span<float> u);
void move_by_norms(std::span<float> w, std::span<const float> u, float rate);
void clip(std::span<float> g, float norm_max);

}  // namespace cairn::cpu
