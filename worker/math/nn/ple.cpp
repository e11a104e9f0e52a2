#include "worker/math/nn/ple.h"

#include <algorithm>
#include <array>

#include "worker/math/autograd/functions.h"

namespace cairn::math::nn {
namespace {

Variable* mix(Tape& tape, const Mlp& gate, Variable* x, std::span<Variable* const> experts) {
  std::array<Variable*, 1> mixed;
  autograd::gates(tape, gate.forward(tape, x), autograd::concat(tape, experts), mixed);
  return mixed[0];
}

}  // namespace

Ple::Ple(Parameters& parameters, const ModelConfig& config, const std::vector<std::string>& tasks,
         size_t in) {
  const auto all = static_cast<uint32_t>(tasks.size()) * config.task_experts + config.experts;
  for (uint32_t l = 0; l < config.levels; ++l) {
    const auto group = [&](const std::string& name, uint32_t experts, uint32_t gated) {
      const std::string at = "head." + std::to_string(l) + "." + name;
      Group made;
      made.experts =
          Mlp(parameters, at + ".experts", in, config.expert_units, config.activation, experts);
      if (gated > 0) made.gate = Mlp(parameters, at + ".gate", in, {gated}, Activation::kNone);
      return made;
    };
    Level& level = levels_.emplace_back();
    for (const std::string& task : tasks)
      level.tasks.push_back(group(task, config.task_experts, config.task_experts + config.experts));
    level.shared = group("shared", config.experts, l + 1 < config.levels ? all : 0);
    in = level.shared.experts.out();
  }
}

void Ple::forward(Tape& tape, Variable* x, std::span<Variable*> inputs) const {
  const std::span<Variable*> groups = tape.arena().array<Variable*>(inputs.size() + 1);
  std::ranges::fill(groups, x);
  for (const Level& level : levels_) extract(tape, level, &level == &levels_.back(), groups);
  std::ranges::copy(groups.first(inputs.size()), inputs.begin());
}

void Ple::extract(Tape& tape, const Level& level, bool last, std::span<Variable*> groups) const {
  const size_t tasks = level.tasks.size();
  const std::span<Variable*> experts = tape.arena().array<Variable*>(tasks + 1);
  for (size_t t = 0; t < tasks; ++t) experts[t] = level.tasks[t].experts.forward(tape, groups[t]);
  experts[tasks] = level.shared.experts.forward(tape, groups[tasks]);
  for (size_t t = 0; t < tasks; ++t) {
    const std::array own_and_shared = {experts[t], experts[tasks]};
    groups[t] = mix(tape, level.tasks[t].gate, groups[t], own_and_shared);
  }
  if (!last) groups[tasks] = mix(tape, level.shared.gate, groups[tasks], experts);
}

}  // namespace cairn::math::nn
