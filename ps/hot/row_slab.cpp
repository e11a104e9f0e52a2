#include "ps/hot/row_slab.h"

#include <bit>

#include "common/check.h"

namespace cairn::ps {

namespace {
// Bytes of address space: memory comes page by page. Large, so that few huge pages have an end of a
// chunk in them.
constexpr size_t kChunkBytes = size_t{256} << 20;

// Rows that begin at halves of cache lines have bytes in fewer of them: of dim 16 with as much
// state in 3 instead of 3.4. Done where it costs a float, as with every dim that is a multiple of
// 8.
size_t stride_of(const RowLayout& layout) {
  constexpr size_t kHalfLine = 32;
  const size_t bytes = sizeof(HotRow) + layout.hot_bytes();
  const size_t padding = (kHalfLine - bytes % kHalfLine) % kHalfLine;
  return padding <= sizeof(float) ? bytes + padding : bytes;
}
}  // namespace

RowSlab::RowSlab(RowLayout layout)
    : stride_(stride_of(layout)),
      chunk_bits_(std::bit_width(kChunkBytes / stride_) - 1),
      chunk_mask_((1u << chunk_bits_) - 1) {}

uint32_t RowSlab::allocate() {
  uint32_t row = free_;
  if (row != kNoRow) {
    free_ = static_cast<uint32_t>(at(row)->key);
  } else {
    check(end_ < kNoRow - 1, "a table of a shard holds fewer than 2^32 rows in memory");
    row = end_++;
    if (row >> chunk_bits_ == chunks_.size()) {
      // Small tables stay small: they begin on small pages.
      chunks_.emplace_back(stride_ << chunk_bits_, /*huge=*/true,
                           /*small_bytes=*/chunks_.empty() ? Pages::kHugePage : 0);
    }
  }
  ++used_;
  at(row)->meta = RowMeta{.state = HotRow::kUsed};
  return row;
}

void RowSlab::free(uint32_t row) {
  HotRow* freed = at(row);
  freed->meta = RowMeta{};
  freed->key = free_;
  free_ = row;
  --used_;
}

}  // namespace cairn::ps
