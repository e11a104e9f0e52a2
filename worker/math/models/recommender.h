// A model of several tasks over pooled embeddings and numbers (worker/math/models/inputs.h): an
// interaction, a deep tower, a head, and linear parts that go past the head.
//
// Parallel: the head sees [interaction(x0), deep(x0)]; what has no layers is left out, and x0 alone
// remains where both are. Stacked: the head sees deep(interaction(x0)). Sources: Wang et al.,
// "DCN V2", arXiv:2008.13535, figure 1; Naumov et al., DLRM, arXiv:1906.00091, which is stacked.
//
// A wide model adds each task's linear part to its logit, and a parallel factorization machine its
// second-order sum to every logit; with either, without a deep tower and without another
// interaction there is no head, and a bias per task stands in for it: wide alone is logistic
// regression, with fm a factorization machine. Sources: Cheng et al., "Wide & Deep Learning", DLRS
// 2016; Guo et al., "DeepFM", IJCAI 2017, eq. 1 to 4.
// Parameters, besides those of its parts: "bias" [tasks], zero, where there is no head.
//
// Trained is the sum over tasks of weight * loss. With task weights by uncertainty it is the sum of
// weight * exp(-s) loss + s / 2, with exp(-s) / 2 for a regression, where s, the logarithm of the
// task's variance, is a parameter: "uncertainty" [tasks], zero; a task of weight 0 has no part in
// it. Source: Kendall, Gal, Cipolla, CVPR 2018, eq. 7 and 10.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "worker/math/models/inputs.h"
#include "worker/math/models/staging.h"
#include "worker/math/nn/heads.h"
#include "worker/math/nn/mlp.h"
#include "worker/math/ops/ops.h"

namespace cairn {

class Recommender final : public Model {
 public:
  // `config` and `shape` as make_model has validated them.
  Recommender(const ModelConfig& config, const ModelShape& shape, uint64_t seed, const Ops& ops,
              Precision precision);

  const std::vector<ParameterInfo>& parameters() const override { return parameters_.infos(); }
  std::span<float> values() override { return parameters_.values(); }
  std::span<float> gradients() override { return parameters_.gradients(); }
  Memory& memory() override { return ops_.memory(); }
  void predict(const ModelInput& input, std::span<float> predictions) override;
  void train_step(const ModelInput& input, const ModelOutput& output) override;
  bool exchanges() const override { return exchanges_; }
  size_t peak_step_bytes() const override { return arena_.peak_bytes(); }

 private:
  // One logit per task; null for a product of others.
  std::span<Variable*> forward(Tape& tape, const ModelInput& input,
                               std::span<const Inputs::TableRows> tables) const;
  // Of task t: its logit, or those of the tasks that it is the product of.
  std::span<Variable* const> factors(Tape& tape, size_t t, std::span<Variable* const> logits) const;
  // What the head sees, given the interaction's result, if it has one.
  Variable* shared(Tape& tape, Variable* x0, Variable* interacted) const;
  bool second_order() const;  // fm beside the tower, which goes past the head
  size_t shared_columns() const;
  // All that the operations do in a training step. It gives them the same calls for every step of
  // the same shape: what differs stands in the staged inputs.
  void compute(const Staging::Step& step, GradientSink& sink);
  StepGraphs::Shape shape_of(const ModelInput& input) const;
  // Losses and predictions; what the tape runs backward from.
  void lose(Tape& tape, const Staging::Step& step, std::span<Variable* const> logits);
  // What the sum of task t's loss is multiplied with in the objective, uncertainty apart.
  double scale_of(size_t t) const;
  void make_buckets();
  void check_input(const ModelInput& input) const;

  ModelConfig config_;
  ModelShape shape_;
  const Ops& ops_;
  uint64_t seed_;
  Precision precision_;
  bool exchanges_;
  Arena arena_;
  Staging staging_;
  StepGraphs graphs_;
  nn::Parameters parameters_;
  // Declared in the order in which they register their parameters, which is the parameters' order.
  Inputs inputs_;
  std::unique_ptr<nn::InteractionLayer> interaction_;
  nn::Mlp deep_;
  std::optional<nn::Heads> heads_;
  Variable* bias_ = nullptr;
  Variable* log_variances_ = nullptr;         // of tasks weighted by uncertainty
  std::vector<size_t> own_;                   // tasks that have logits
  std::vector<std::vector<size_t>> factors_;  // of each task: the tasks that it is the product of
  // Parts of the gradients that are told of as one, from the last to the first: parameters [first,
  // last), and how many records of backward had run in the last step when theirs were complete.
  struct Bucket {
    size_t first, last, ready_after;
    std::span<float> gradients;
  };
  std::vector<Bucket> buckets_;
};

}  // namespace cairn
