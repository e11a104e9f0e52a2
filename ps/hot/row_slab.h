// The rows of one table in memory: of fixed size, in chunks that never move. So a row number and a
// pointer stay good for the life of the row. A new chunk costs one mmap, whatever the size of the
// table. Thread safety: none; a shard's thread owns it.
#pragma once

#include <cstdint>
#include <vector>

#include "ps/row/row.h"
#include "ps/system/pages.h"

namespace cairn::ps {

// The head of a row in memory. Weights, then optimizer state follow, as the table's RowLayout says.
// Rows are 4-byte aligned.
struct [[gnu::packed, gnu::aligned(4)]] HotRow {
  RowMeta meta;
  Key key = 0;

  // The floats of a row whose table is f32.
  float* floats() { return reinterpret_cast<float*>(this + 1); }
  const float* floats() const { return reinterpret_cast<const float*>(this + 1); }

  // The bytes of any row.
  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  const char* bytes() const { return reinterpret_cast<const char*>(this + 1); }

  // The bits of meta.state: three flags, and above them the step that the row is pinned for.
  static constexpr uint32_t kUsed = 1, kDirty = 2, kReferenced = 4, kFlagBits = 3;
  bool used() const { return (meta.state & kUsed) != 0; }
  bool dirty() const { return (meta.state & kDirty) != 0; }
  uint32_t pin() const { return meta.state >> kFlagBits; }
  void raise_pin(uint32_t step) {
    if (step > pin()) meta.state = step << kFlagBits | (meta.state & ((1u << kFlagBits) - 1));
  }
};
static_assert(sizeof(HotRow) == 28);

inline constexpr uint64_t kStepMax = (uint64_t{1} << (32 - HotRow::kFlagBits)) - 1;

class RowSlab {
 public:
  explicit RowSlab(RowLayout layout);

  HotRow* at(uint32_t row) const {
    std::byte* chunk = chunks_[row >> chunk_bits_].data();
    return reinterpret_cast<HotRow*>(chunk + size_t{row & chunk_mask_} * stride_);
  }
  size_t stride() const { return stride_; }  // bytes of a row

  uint32_t allocate();  // a row whose meta is zero but for kUsed; its floats are anything
  void free(uint32_t row);

  uint32_t used() const { return used_; }
  uint32_t end() const { return end_; }  // above every row number ever given

 private:
  static constexpr uint32_t kNoRow = ~uint32_t{0};

  const size_t stride_;
  const unsigned chunk_bits_;
  const uint32_t chunk_mask_;
  std::vector<Pages> chunks_;
  uint32_t end_ = 0, used_ = 0;
  uint32_t free_ = kNoRow;  // a free row's key is the next free row
};

}  // namespace cairn::ps
