// A row: everything that the store knows of one key of one table.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/config/table_config.h"
#include "common/hash.h"

namespace cairn::ps {

using Lsn = uint64_t;  // log sequence number of a record of a shard, from 1

// The facts that the log and the optimizers keep about a row, apart from its floats. They take 20
// bytes, unpadded, so that rows stay dense. `lsn` is never referenced as uint64_t*, as it may be
// misaligned.
struct [[gnu::packed, gnu::aligned(4)]] RowMeta {
  Lsn lsn = 0;             // of the commit that last changed it
  uint32_t last_step = 0;  // the last step whose batch held the key
  uint32_t count = 0;      // steps whose batch held the key; 0: no row, only its initial value
  uint32_t state = 0;      // of the hot tier alone: dirty, referenced, pin; never stored
};
static_assert(sizeof(RowMeta) == 20);

// The fixed shape of a table's rows: weights, then the optimizer's state, which is f32.
struct RowLayout {
  uint32_t dim = 0;
  uint32_t state_floats = 0;              // of the optimizer
  ValueType dtype = ValueType::kFloat32;  // of weights
  // Behind the state stand the bits of the step that created the row, counted as one more float.
  bool holds_created_step = false;

  uint32_t tail_floats() const { return state_floats + (holds_created_step ? 1 : 0); }
  uint32_t floats() const { return dim + tail_floats(); }
  size_t weight_bytes() const { return dim * size_of(dtype); }
  size_t tail_bytes() const { return tail_floats() * sizeof(float); }
  // In memory the floats behind the weights are aligned to 4 bytes; on disk nothing is.
  size_t hot_bytes() const { return hot_state_offset() + tail_bytes(); }
  size_t hot_state_offset() const { return (weight_bytes() + 3) / 4 * 4; }
  size_t stored_bytes() const { return weight_bytes() + tail_bytes(); }
};

// Only a policy on the age of rows needs the step of their creation. Other tables do not pay for
// it.
inline bool holds_created_step(const TableConfig& table) { return table.expiry.age_steps > 0; }

// (slot, table, key): the order of rows in flush files and in the cold store.
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

// Rows of one table, or of several, as values: key, lsn, last step, count and floats. The floats of
// a row are weights, optimizer state, then the step that created the row where its layout says so.
// `floats` holds the floats of all rows, one row after the other. A row is as long as its table
// says. Weights of a bf16 table are bf16 values, as f32.
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

}  // namespace cairn::ps
