#include "common/config/row_optimizers.h"

#include <algorithm>

namespace cairn {

namespace {

constexpr RowOptimizerFacts kOptimizers[] = {
#define CAIRN_ROW_OPTIMIZER(name, floats_per_weight, floats_per_row, takes) \
  {#name, floats_per_weight, floats_per_row, takes},
#include "common/config/row_optimizers.def"
#undef CAIRN_ROW_OPTIMIZER
};

using O = RowOptimizerConfig;
constexpr RowOptimizerNumber kNumbers[] = {
    {"learning_rate", &O::learning_rate, 0},
    {"weight_decay", &O::weight_decay, 0},
    {"clip_norm", &O::clip_norm, 0},
    {"momentum", &O::momentum, kMomentum},
    {"epsilon", &O::epsilon, kEpsilon},
    {"initial_accumulator", &O::initial_accumulator, kInitialAccumulator},
    {"decay", &O::decay, kDecay},
    {"rho", &O::rho, kRho},
    {"beta1", &O::beta1, kMoments},
    {"beta2", &O::beta2, kMoments},
    {"beta", &O::beta, kProximal},
    {"l1", &O::l1, kProximal},
    {"l2", &O::l2, kProximal},
};

}  // namespace

std::span<const RowOptimizerFacts> row_optimizers() { return kOptimizers; }

const RowOptimizerFacts* find_row_optimizer(std::string_view name) {
  const auto* found = std::ranges::find(kOptimizers, name, &RowOptimizerFacts::name);
  return found == std::end(kOptimizers) ? nullptr : found;
}

std::string row_optimizer_names() {
  std::string names;
  for (const RowOptimizerFacts& facts : kOptimizers)
    names.append(names.empty() ? "" : ", ").append(facts.name);
  return names;
}

std::span<const RowOptimizerNumber> row_optimizer_numbers() { return kNumbers; }

}  // namespace cairn
