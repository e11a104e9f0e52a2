#include "worker/math/tensor/arena.h"

#include <algorithm>

namespace cairn::math {
namespace {

constexpr size_t kBlockUnit = size_t{2} << 20;  // a huge page

size_t round_up(size_t bytes, size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

void Arena::Pool::free_blocks() {
  for (const Block& block : blocks) memory.free(block.data, block.bytes);
  blocks.clear();
}

void Arena::Pool::add_block(size_t bytes) {
  bytes = round_up(std::max(bytes, kBlockUnit), kBlockUnit);
  blocks.push_back({memory.allocate(bytes), bytes});
  ++blocks_made;
  used_before += used;
  used = 0;
}

void* Arena::Pool::allocate(size_t bytes) {
  bytes = round_up(std::max<size_t>(bytes, 1), kAlignment);
  if (blocks.empty() || used + bytes > blocks.back().bytes) {
    // Doubling keeps the number of blocks of the first step small.
    add_block(std::max(bytes, blocks.empty() ? 0 : 2 * blocks.back().bytes));
  }
  void* piece = static_cast<std::byte*>(blocks.back().data) + used;
  used += bytes;
  peak = std::max(peak, used_bytes());
  return piece;
}

void Arena::Pool::reset() {
  if (blocks.size() > 1) {
    const size_t total = peak;
    free_blocks();
    add_block(total);
  }
  used = used_before = 0;
}

void Arena::reset() {
  objects_.reset();
  numbers_.reset();
}

}  // namespace cairn::math
