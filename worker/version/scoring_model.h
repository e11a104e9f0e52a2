// A model that only scores: the layers of a definition with the parameters of one version at a
// time. It knows no labels, no losses' gradients and no optimizer.
#pragma once

#include <memory>
#include <span>

#include "worker/math/models/model.h"
#include "worker/version/model_version.h"

namespace cairn::version {

// Thread safety: none; each thread that scores has its own. Threads share versions.
class ScoringModel {
 public:
  // `ops` outlive it. Errors: those of math::make_model.
  static Result<std::unique_ptr<ScoringModel>> make(
      std::shared_ptr<const ModelDefinition> definition, const math::Ops& ops);

  // Scores by `version` from now on. The version is of the same definition. Its parameters are
  // copied, where they are not here yet, to the memory of the operations.
  void use(VersionPtr version);
  const VersionPtr& version() const { return version_; }  // null before the first `use`

  // As Model::predict and Model::encode; after `use`.
  void predict(const math::ModelInput& input, std::span<float> predictions);
  void encode(const math::ModelInput& input, std::span<float> encodings);
  size_t encoding_dim() const { return model_->encoding_dim(); }
  math::Memory& memory() { return model_->memory(); }

 private:
  ScoringModel(std::shared_ptr<const ModelDefinition> definition,
               std::unique_ptr<math::Model> model);

  std::shared_ptr<const ModelDefinition> definition_;
  std::unique_ptr<math::Model> model_;
  VersionPtr version_;
};

}  // namespace cairn::version
