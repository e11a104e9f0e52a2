#include "worker/math/optimizers/adagrad.h"
#include "worker/math/optimizers/adam.h"
#include "worker/math/optimizers/clipped.h"
#include "worker/math/optimizers/layer_adam.h"
#include "worker/math/optimizers/momentum.h"
#include "worker/math/optimizers/sgd.h"

namespace cairn::math {
namespace {

struct Entry {
  std::string_view name;
  std::unique_ptr<DenseOptimizer> (*make)(const DenseOptimizerConfig&, const ParameterLayout&,
                                          const Ops&);
};
constexpr Entry kOptimizers[] = {
    {"adagrad", make_adagrad}, {"adam", make_adam},         {"adamw", make_adamw},
    {"lamb", make_lamb},       {"momentum", make_momentum}, {"nesterov", make_nesterov},
    {"sgd", make_sgd},
};

}  // namespace

Result<std::unique_ptr<DenseOptimizer>> make_dense_optimizer(const DenseOptimizerConfig& config,
                                                             const ParameterLayout& layout,
                                                             const Ops& ops) {
  std::string known;
  for (const Entry& entry : kOptimizers) {
    if (entry.name == config.name) {
      std::unique_ptr<DenseOptimizer> made = entry.make(config, layout, ops);
      if (config.clip_norm > 0.0f) made = make_clipped(std::move(made), config.clip_norm, ops);
      return made;
    }
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  return Error{ErrorCode::kInvalidArgument,
               "unknown dense optimizer '" + config.name + "'; known: " + known};
}

}  // namespace cairn::math
