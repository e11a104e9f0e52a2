#include <string>

#include "ps/optimizers/adagrad.h"
#include "ps/optimizers/adam.h"
#include "ps/optimizers/row_optimizer.h"
#include "ps/optimizers/sgd.h"

namespace cairn {

namespace {

struct Entry {
  std::string_view name;
  std::unique_ptr<RowOptimizer> (*make)(const RowOptimizerConfig&);
};
constexpr Entry kOptimizers[] = {
    {"adagrad", make_adagrad},
    {"adam", make_adam},
    {"sgd", make_sgd},
};

}  // namespace

Result<std::unique_ptr<RowOptimizer>> make_row_optimizer(const RowOptimizerConfig& config) {
  std::string known;
  for (const Entry& entry : kOptimizers) {
    if (entry.name == config.name) return entry.make(config);
    known += (known.empty() ? "" : ", ") + std::string(entry.name);
  }
  return Error{ErrorCode::kInvalidArgument,
               "unknown row optimizer '" + config.name + "'; known: " + known};
}

}  // namespace cairn
