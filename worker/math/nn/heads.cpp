#include "worker/math/nn/heads.h"

namespace cairn::math::nn {

Heads::Heads(Parameters& parameters, const ModelConfig& config,
             const std::vector<std::string>& tasks, size_t in)
    : head_(make_head(parameters, config, tasks, in)) {
  for (const std::string& task : tasks) {
    const std::string name = "tower." + task;
    Mlp tower(parameters, name, head_->out(), config.tower_units, HiddenLayer(config));
    tower.add_linear(parameters, name + "." + std::to_string(config.tower_units.size()), 1);
    towers_.push_back(std::move(tower));
  }
}

void Heads::forward(Tape& tape, Variable* x, std::span<Variable*> logits) const {
  head_->forward(tape, x, logits);
  for (size_t t = 0; t < towers_.size(); ++t) logits[t] = towers_[t].forward(tape, logits[t]);
}

}  // namespace cairn::math::nn
