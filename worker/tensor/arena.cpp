#include "worker/tensor/arena.h"

#include <sys/mman.h>

#include <algorithm>

namespace cairn {
namespace {

// Huge pages, where the system has them: a step walks through all of its memory.
constexpr size_t kBlockAlignment = size_t{2} << 20;

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

void Arena::Free::operator()(std::byte* block) const {
  ::operator delete (block, std::align_val_t{kBlockAlignment});
}

void Arena::add_block(size_t bytes) {
  bytes = round_up(std::max(bytes, kBlockAlignment), kBlockAlignment);
  auto* data = static_cast<std::byte*>(::operator new (bytes, std::align_val_t{kBlockAlignment}));
  (void)madvise(data, bytes, MADV_HUGEPAGE);  // only advice: small pages work too
  blocks_.push_back({std::unique_ptr<std::byte, Free>(data), bytes});
  ++blocks_made_;
  used_before_ += used_;
  used_ = 0;
}

void* Arena::allocate(size_t bytes) {
  bytes = round_up(std::max<size_t>(bytes, 1), kAlignment);
  if (blocks_.empty() || used_ + bytes > blocks_.back().bytes) {
    // Doubling keeps the number of blocks of the first step small.
    add_block(std::max(bytes, blocks_.empty() ? 0 : 2 * blocks_.back().bytes));
  }
  void* piece = blocks_.back().data.get() + used_;
  used_ += bytes;
  peak_ = std::max(peak_, used_bytes());
  return piece;
}

void Arena::reset() {
  if (blocks_.size() > 1) {
    const size_t total = peak_;
    blocks_.clear();
    add_block(total);
  }
  used_ = used_before_ = 0;
}

}  // namespace cairn
