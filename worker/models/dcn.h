// DCN-V2 with several tasks: cross layers and a deep tower over pooled embeddings and numbers, and
// a head. Source: Wang et al., "DCN V2", arXiv:2008.13535, figure 1.
//
// x0 = [bags in their order, numbers].
// Parallel: the head sees [cross(x0), deep(x0)]; a part without layers is left out, and x0 alone
// remains where both have none. Stacked: the head sees deep(cross(x0)).
#pragma once

#include <span>
#include <vector>

#include "worker/models/model.h"
#include "worker/nn/cross.h"
#include "worker/nn/heads.h"
#include "worker/nn/mlp.h"
#include "worker/ops/ops.h"

namespace cairn {

class DcnModel final : public Model {
 public:
  // `config` and `shape` as make_model has judged them.
  DcnModel(const ModelConfig& config, const ModelShape& shape, uint64_t seed, const Ops& ops);

  const std::vector<ParameterInfo>& parameters() const override { return parameters_.infos(); }
  std::span<float> values() override { return parameters_.values(); }
  std::span<float> gradients() override { return parameters_.gradients(); }
  void predict(const ModelInput& input, std::span<float> predictions) override;
  void train_step(const ModelInput& input, const ModelOutput& output) override;
  size_t peak_step_bytes() const override { return arena_.peak_bytes(); }

 private:
  // One logit a task, from one variable a table.
  std::span<Variable*> forward(Tape& tape, const ModelInput& input,
                               std::span<Variable* const> tables) const;
  Variable* features(Tape& tape, const ModelInput& input, std::span<Variable* const> tables) const;
  // `gradients` is empty in inference.
  std::span<Variable*> tables_of(Tape& tape, const ModelInput& input,
                                 std::span<const std::span<float>> gradients) const;
  void check_input(const ModelInput& input) const;
  size_t input_columns() const;

  ModelConfig config_;
  ModelShape shape_;
  const Ops& ops_;
  Arena arena_;
  nn::Parameters parameters_;
  // Declared in the order in which they register their parameters, which is the parameters' order.
  nn::Cross cross_;
  nn::Mlp deep_;
  nn::Heads heads_;
};

}  // namespace cairn
