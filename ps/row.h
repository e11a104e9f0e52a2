// One record: what the store knows of one key of one table.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/config/job.h"
#include "common/hash.h"

namespace cairn {

using Lsn = uint64_t;  // log sequence number of a record of a shard, from 1

// What the log and the optimizers know about a row, apart from its floats. 20 bytes, unpadded, so
// that rows stay dense; never referenced as uint64_t* (it may be misaligned).
struct [[gnu::packed, gnu::aligned(4)]] RowMeta {
  Lsn lsn = 0;             // of the commit that last changed it
  uint32_t last_step = 0;  // the last step whose batch held the key
  uint32_t count = 0;      // steps whose batch held the key; 0: no row, only its initial value
  uint32_t state = 0;      // of the hot tier alone: dirty, referenced, pin; never stored
};
static_assert(sizeof(RowMeta) == 20);

// The fixed shape of a table's rows.
struct RowLayout {
  uint32_t dim = 0;
  uint32_t state_floats = 0;  // of the optimizer
  // The last of the floats is not one, but the bits of the step that created the row.
  bool holds_created_step = false;
  uint32_t floats() const { return dim + state_floats + (holds_created_step ? 1 : 0); }
};

// Only a policy on the age of rows needs their birth: other tables do not pay for it.
inline bool holds_created_step(const TableConfig& table) { return table.expiry.age_steps > 0; }

// (slot, table, key): the order of rows in sorted runs and in the cold store.
struct RowKey {
  uint32_t table = 0;
  Key key = 0;
  friend bool operator==(const RowKey&, const RowKey&) = default;
  friend bool operator<(const RowKey& a, const RowKey& b) {
    const uint32_t slot_a = slot_of(a.key), slot_b = slot_of(b.key);
    if (slot_a != slot_b) return slot_a < slot_b;
    if (a.table != b.table) return a.table < b.table;
    return a.key < b.key;
  }
};

// Rows of one table, or of several, as values: key, lsn, last step, count and floats (weights,
// optimizer state, then the step that created the row where its layout says so). `floats` holds
// those of all rows after each other, each as long as its table says.
struct RowBatch {
  struct Entry {
    RowKey key;
    Lsn lsn = 0;
    uint32_t last_step = 0;
    uint32_t count = 0;
    uint64_t offset = 0;  // of its first float
  };
  std::vector<Entry> entries;
  std::vector<float> floats;
};

}  // namespace cairn
