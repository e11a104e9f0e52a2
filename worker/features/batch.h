// One worker's part of one global batch, read and transformed: numbers, bags of keys, labels.
// A plain value; whoever holds it owns it.
#pragma once

#include <cstdint>
#include <vector>

#include "common/hash.h"

namespace cairn {

// How far one virtual reader has come in an epoch: lines taken from its `group`-th shuffled group.
struct ReaderPosition {
  uint32_t group = 0;
  uint32_t line = 0;
  friend bool operator==(const ReaderPosition&, const ReaderPosition&) = default;
};

// The ids of one id feature: row r holds occurrences [offsets[r], offsets[r + 1]).
struct Bag {
  std::vector<uint32_t> offsets;  // [rows + 1]
  std::vector<uint32_t> index;    // [occurrences], into Batch::keys of the feature's table
};

struct Batch {
  uint32_t rows = 0;
  std::vector<float> dense;       // [rows, dense columns], row-major
  std::vector<float> labels;      // [rows, tasks]
  std::vector<float> weights;     // [rows, tasks], of losses; empty: all 1
  std::vector<uint64_t> row_ids;  // [rows]: byte offset in the concatenation of all input files
  std::vector<Bag> bags;          // one an id feature, in the job's order
  std::vector<std::vector<Key>> keys;  // one a table: unique, ascending
  // After this batch, of the worker's own readers, in order.
  std::vector<ReaderPosition> positions;
  uint64_t bad_rows = 0;  // met by this worker in this epoch up to the end of this batch
};

}  // namespace cairn
