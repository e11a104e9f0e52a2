#include "worker/nn/heads.h"

#include <algorithm>

#include "worker/autograd/functions.h"

namespace cairn::nn {

Heads::Heads(Parameters& parameters, const ModelConfig& config, size_t in)
    : mixes_(config.head == Head::kMmoe) {
  if (mixes_) {
    shared_ =
        Mlp(parameters, "head.experts", in, config.expert_units, config.activation, config.experts);
    gates_ =
        Mlp(parameters, "head.gates", in, {config.experts}, Activation::kNone, config.tasks.size());
  } else {
    shared_ = Mlp(parameters, "head.bottom", in, config.expert_units, config.activation);
  }
  for (const TaskConfig& task : config.tasks) {
    const std::string name = "tower." + task.name;
    Mlp tower(parameters, name, shared_.out(), config.tower_units, config.activation);
    tower.add_linear(parameters, name + "." + std::to_string(config.tower_units.size()), 1);
    towers_.push_back(std::move(tower));
  }
}

void Heads::forward(Tape& tape, Variable* x, std::span<Variable*> logits) const {
  Variable* shared = shared_.forward(tape, x);
  if (mixes_) {
    autograd::gates(tape, gates_.forward(tape, x), shared, logits);
  } else {
    std::ranges::fill(logits, shared);
  }
  for (size_t t = 0; t < towers_.size(); ++t) logits[t] = towers_[t].forward(tape, logits[t]);
}

}  // namespace cairn::nn
