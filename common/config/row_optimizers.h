// All row optimizers: what each keeps in a row and what it takes of a job file.
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "common/config/table_config.h"

namespace cairn {

// Bits: groups of members of RowOptimizerConfig.
enum RowHyperparameters : uint32_t {
  kMomentum = 1 << 0,            // momentum
  kEpsilon = 1 << 1,             // epsilon
  kInitialAccumulator = 1 << 2,  // initial_accumulator, which all of the state starts from
  kDecay = 1 << 3,               // decay
  kRho = 1 << 4,                 // rho
  kMoments = 1 << 5,             // beta1, beta2, with bias corrections by a row's count
  kProximal = 1 << 6,            // beta, l1, l2
  kDecoupledDecay = 1 << 7,      // weight_decay is in the formula, not added to the gradient
};

struct RowOptimizerFacts {
  std::string_view name;
  uint32_t floats_per_weight, floats_per_row;  // of state
  uint32_t takes;                              // RowHyperparameters

  uint64_t state_floats(uint64_t dim) const { return floats_per_weight * dim + floats_per_row; }
};

std::span<const RowOptimizerFacts> row_optimizers();

// nullptr for a name that is not known.
const RowOptimizerFacts* find_row_optimizer(std::string_view name);

// "sgd, momentum, ...".
std::string row_optimizer_names();

// Every number of RowOptimizerConfig, with its name in files.
struct RowOptimizerNumber {
  std::string_view name;
  float RowOptimizerConfig::*value;
  uint32_t group;  // RowHyperparameters; 0: every optimizer takes it
};
std::span<const RowOptimizerNumber> row_optimizer_numbers();

}  // namespace cairn
