// Decides which rows of a table go: the rows that expire, then the least valuable of the rest above
// the cap. It decides one slot at a time, from the slot's rows as they are after a step. Pure
// functions.
//
// A row expires once no step has held its key for `unseen_steps`. It also expires `age_steps` after
// the step that created it, or if the L2 norm of its weights is below `min_norm`. A cap of
// `max_rows` means a cap of ceil(max_rows / 16,384) per slot. Above the cap go the rows that the
// fewest steps have held; among equals the longest unseen; then the lowest keys. So a row seen
// often stays though it is old: `unseen_steps` is for such rows.
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

// `rows` holds all rows of the table in one slot after step `step`, each once, in any order. The
// result ascends by key, and leaves out the rows that stay.
std::vector<Removal> choose_removals(const TableConfig& table, uint64_t step,
                                     std::vector<RowFacts> rows);

}  // namespace cairn::ps
