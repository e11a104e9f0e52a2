// A digest of a table's rows in 128 bits: the sum over rows of hash(table, key, weights, state,
// count, last step). A sum does not depend on the order of rows, or on which shard holds them. Lsns
// are left out, as they depend on the number of shards.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/hash.h"
#include "ps/row/row.h"

namespace cairn::ps {

// Thread safety: none. Digests of parts are added.
class RowDigest {
 public:
  // `floats` holds weights, optimizer state and, where rows hold it, the step that created the row.
  void add(const RowKey& key, uint32_t last_step, uint32_t count, std::span<const float> floats);
  void add(const RowDigest& other);

  uint64_t rows() const { return rows_; }
  const Hash128& sum() const { return sum_; }
  friend bool operator==(const RowDigest& a, const RowDigest& b) {
    return a.rows_ == b.rows_ && a.sum_ == b.sum_;
  }

 private:
  void add(const Hash128& hash);

  uint64_t rows_ = 0;
  Hash128 sum_;
  std::vector<char> bytes_;  // of one row, kept to spare allocations
};

}  // namespace cairn::ps
