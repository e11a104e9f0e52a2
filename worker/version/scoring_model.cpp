#include "worker/version/scoring_model.h"

#include <utility>

#include "common/check.h"

namespace cairn::version {

Result<std::unique_ptr<ScoringModel>> ScoringModel::make(
    std::shared_ptr<const ModelDefinition> definition, const math::Ops& ops) {
  Result<std::unique_ptr<math::Model>> model = math::make_model(
      definition->config, definition->shape, definition->seed, ops, definition->precision);
  if (!model.ok()) return model.error();
  check(model.value()->values().size() == definition->floats, "one layout on every device");
  return std::unique_ptr<ScoringModel>(
      new ScoringModel(std::move(definition), std::move(model).value()));
}

ScoringModel::ScoringModel(std::shared_ptr<const ModelDefinition> definition,
                           std::unique_ptr<math::Model> model)
    : definition_(std::move(definition)), model_(std::move(model)) {}

void ScoringModel::use(VersionPtr version) {
  if (version == version_) return;
  check(version->definition == definition_, "a version of this definition");
  check(version->parameters.size() == definition_->floats, "all parameters of the definition");
  model_->memory().write(model_->values().data(), std::span(version->parameters));
  version_ = std::move(version);
}

void ScoringModel::predict(const math::ModelInput& input, std::span<float> predictions) {
  check(version_ != nullptr, "a version to score by");
  model_->predict(input, predictions);
}

void ScoringModel::encode(const math::ModelInput& input, std::span<float> encodings) {
  check(version_ != nullptr, "a version to score by");
  model_->encode(input, encodings);
}

}  // namespace cairn::version
