#include "worker/math/models/recommender.h"

#include <array>

#include "worker/math/autograd/functions.h"
#include "worker/math/autograd/interactions.h"
#include "worker/math/models/task_objective.h"

namespace cairn::math {

Recommender::Recommender(nn::Parameters& parameters, const ModelConfig& config,
                         const ModelShape& shape)
    : structure_(config.structure),
      normalization_(config.normalization),
      wide_(config.wide),
      deepens_(!config.deep_units.empty()),
      second_order_(config.interaction == Interaction::kFm &&
                    config.structure == Structure::kParallel),
      logits_(tasks_with_logits(config).size()),
      inputs_(parameters, config, shape, config.wide ? logits_ : 0),
      interaction_(nn::make_interaction(parameters, config, inputs_.shape())),
      deep_(parameters, "deep",
            config.structure == Structure::kStacked && interaction_ ? interaction_->out()
                                                                    : inputs_.shape().columns,
            config.deep_units, nn::HiddenLayer(config)) {
  if (has_heads())
    heads_.emplace(parameters, config, tasks_with_logits(config), encoding_dim());
  else
    bias_ = parameters.add("bias", {static_cast<uint32_t>(logits_)}, 0.0f);
}

bool Recommender::has_heads() const {
  if (encoding_dim() == 0) return false;
  const bool bypassed = wide_ || second_order_;
  return structure_ == Structure::kStacked || crosses() || deepens_ || !bypassed;
}

size_t Recommender::encoding_dim() const {
  if (structure_ == Structure::kStacked) return deep_.out();
  if (!crosses() && !deepens_) return inputs_.shape().columns;
  return (crosses() ? interaction_->out() : 0) + (deepens_ ? deep_.out() : 0);
}

Variable* Recommender::encode(Tape& tape, Variable* x0, Variable* interacted) const {
  if (structure_ == Structure::kStacked) return deep_.forward(tape, interacted ? interacted : x0);
  std::array<Variable*, 2> parts;
  size_t count = 0;
  if (interacted != nullptr) parts[count++] = interacted;
  if (deepens_) parts[count++] = deep_.forward(tape, x0);
  return count == 0 ? x0 : autograd::concat(tape, std::span(parts).first(count));
}

Variable* Recommender::encode(Tape& tape, const NetworkInput& batch) const {
  const nn::Features features = inputs_.features(tape, batch);
  return encode(tape, features.x0, crosses() ? interaction_->forward(tape, features) : nullptr);
}

std::span<Variable* const> Recommender::forward(Tape& tape, const NetworkInput& batch) const {
  const std::span<Variable*> logits = tape.arena().array<Variable*>(logits_);
  const nn::Features features = inputs_.features(tape, batch);
  Variable* interacted = interaction_ ? interaction_->forward(tape, features) : nullptr;
  if (heads_) {
    heads_->forward(tape, encode(tape, features.x0, crosses() ? interacted : nullptr), logits);
  } else {
    Variable* biases = autograd::every_row(tape, batch.input.samples, bias_);
    for (size_t t = 0; t < logits_; ++t) logits[t] = autograd::columns(tape, biases, t, 1);
  }
  Variable* wide = inputs_.wide(tape, batch);
  Variable* second = second_order_ ? autograd::sum_groups(tape, interacted, 1) : nullptr;
  for (size_t t = 0; t < logits_; ++t) {
    if (wide) logits[t] = autograd::add(tape, logits[t], autograd::columns(tape, wide, t, 1));
    if (second) logits[t] = autograd::add(tape, logits[t], second);
  }
  return logits;
}

}  // namespace cairn::math
