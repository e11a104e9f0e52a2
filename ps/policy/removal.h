// Decides which rows of a table go: those that expire, and of what is left the least valuable above
// the cap. Decided a slot at a time, from its rows as they are after a step. Pure functions.
//
// A row expires once no step has held its key for `unseen_steps`, or `age_steps` after the step
// that created it, or if the L2 norm of its weights is below `min_norm`. A cap of `max_rows` is one
// of ceil(max_rows / 16,384) in each slot. Above it go the rows that the fewest steps have held; of
// those, the longest unseen; then the lowest keys. So a row seen often stays though it is old:
// `unseen_steps` is for those.
#pragma once

#include <cstdint>
#include <vector>

#include "common/config/table_config.h"
#include "common/hash.h"
#include "common/metrics/metrics.h"

namespace cairn::ps {

struct Removal {
  Key key = 0;
  RemovalReason reason = RemovalReason::kUnseen;
  friend bool operator==(const Removal&, const Removal&) = default;
};

// The facts of a row that the decision needs.
struct RowFacts {
  Key key = 0;
  uint32_t last_step = 0;
  uint32_t count = 0;
  uint32_t created_step = 0;  // known where age_steps is set
  const float* weights = nullptr;
};

// Whether a table ever removes rows.
bool removes_rows(const TableConfig& table);

uint64_t slot_rows_max(uint64_t max_rows);

// `rows`: all of the table's in one slot, each once, in any order, after step `step`. The result
// ascends by key, and is empty for what would be left.
std::vector<Removal> choose_removals(const TableConfig& table, uint64_t step,
                                     std::vector<RowFacts> rows);

}  // namespace cairn::ps
