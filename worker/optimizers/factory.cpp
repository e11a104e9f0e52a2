#include "worker/optimizers/adam.h"
#include "worker/optimizers/sgd.h"

namespace cairn {
namespace {

struct Entry {
  std::string_view name;
  std::unique_ptr<DenseOptimizer> (*make)(const DenseOptimizerConfig&, size_t);
};
constexpr Entry kOptimizers[] = {
    {"adam", make_adam},
    {"sgd", make_sgd},
};

}  // namespace

Result<std::unique_ptr<DenseOptimizer>> make_dense_optimizer(const DenseOptimizerConfig& config,
                                                             size_t parameters) {
  std::string known;
  for (const Entry& entry : kOptimizers) {
    if (entry.name == config.name) return entry.make(config, parameters);
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  return Error{ErrorCode::kInvalidArgument,
               "unknown dense optimizer '" + config.name + "'; known: " + known};
}

}  // namespace cairn
