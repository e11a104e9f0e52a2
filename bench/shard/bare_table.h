// The yardstick of the hot tier: the least that looks rows up and copies or updates them. Keys in
// an open-addressing index of 8-byte entries (32-bit fingerprint, row number), rows of 144 bytes on
// huge pages, both prefetched; no slots, no lsn, no pins, no dirty rows, no growth, no messages.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/hash.h"
#include "ps/system/pages.h"

namespace cairn {

class BareTable {
 public:
  static constexpr size_t kDim = 16;
  static constexpr size_t kRowFloats = 4 + 2 * kDim;  // key, dirty, padding, weights, squares

  explicit BareTable(uint64_t rows_max);
  void insert(Key key);  // not yet there

  // Every key is there. rows [keys, kDim].
  void pull(std::span<const Key> keys, float* rows);
  // gradients [keys, kDim]. Marks the rows dirty.
  void push_adagrad(std::span<const Key> keys, const float* gradients);

  float* row(uint32_t number) { return rows_ + size_t{number} * kRowFloats; }
  uint32_t rows() const { return used_; }
  static uint32_t& dirty(float* row) { return reinterpret_cast<uint32_t*>(row)[2]; }

 private:
  template <typename Work>
  void each(std::span<const Key> keys, Work work);

  uint64_t mask_;
  ps::Pages row_pages_, entry_pages_;
  float* rows_;
  uint64_t* entries_;
  uint32_t used_ = 0;
  std::vector<float*> found_;
};

}  // namespace cairn
