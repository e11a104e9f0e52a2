// The network of a ranking model over pooled embeddings and numbers (worker/math/models/inputs.h):
// an interaction, a deep tower, heads, and linear parts that bypass the heads. Its outputs are one
// logit [samples, 1] per task with a tower of its own (worker/math/models/task_objective.h).
//
// Parallel: the heads see [interaction(x0), deep(x0)]; a part without layers is left out, and where
// both are, the heads see x0. Stacked: the heads see deep(interaction(x0)). Sources: Wang et al.,
// "DCN V2", arXiv:2008.13535, figure 1; Naumov et al., DLRM, arXiv:1906.00091, which is stacked.
//
// A wide model adds each task's linear part to its logit. A parallel factorization machine adds its
// second-order sum to every logit. With one of these two, without a deep tower and without another
// interaction, there are no heads: a bias per task stands in for them. So wide alone is logistic
// regression, and with fm a factorization machine. Sources: Cheng et al., "Wide & Deep Learning",
// DLRS 2016; Guo et al., "DeepFM", IJCAI 2017, eq. 1 to 4.
//
// The encoding is what the heads see; where there are none, x0.
//
// Parameters, besides those of its parts: "bias" [tasks with logits], zero, where there are no
// heads.
#pragma once

#include <memory>
#include <optional>
#include <span>

#include "worker/math/models/inputs.h"
#include "worker/math/models/network.h"
#include "worker/math/nn/heads.h"
#include "worker/math/nn/interaction.h"
#include "worker/math/nn/mlp.h"

namespace cairn::math {

class Recommender final : public Network {
 public:
  // `config` and `shape` as make_model has validated them.
  Recommender(nn::Parameters& parameters, const ModelConfig& config, const ModelShape& shape);

  size_t row_weights() const override { return inputs_.row_weights(); }
  bool exchanges() const override { return normalization_ == Normalization::kBatch; }
  std::span<Variable* const> forward(Tape& tape, const NetworkInput& batch) const override;
  Variable* encode(Tape& tape, const NetworkInput& batch) const override;
  size_t encoding_dim() const override;

 private:
  bool has_heads() const;
  // Whether the heads see the interaction's result.
  bool crosses() const { return interaction_ != nullptr && !second_order_; }
  // The encoding, from x0 and the interaction's result; null where the heads see no such result.
  Variable* encode(Tape& tape, Variable* x0, Variable* interacted) const;

  Structure structure_;
  Normalization normalization_;
  bool wide_, deepens_;
  bool second_order_;  // fm beside the tower, whose sum bypasses the heads
  size_t logits_;      // tasks that have one
  // Declared in the order in which they register their parameters, which is the parameters' order.
  Inputs inputs_;
  std::unique_ptr<nn::InteractionLayer> interaction_;
  nn::Mlp deep_;
  std::optional<nn::Heads> heads_;
  Variable* bias_ = nullptr;  // where there are no heads
};

}  // namespace cairn::math
