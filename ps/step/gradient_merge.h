// Sums the gradients of one table over the workers' pushes of a step. The sum is in the order of
// the workers, whoever came first, so its bits are always the same. Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/hash.h"
#include "common/value_type.h"

namespace cairn::ps {

// One worker's part: `count` keys, strictly ascending, and one gradient [dim] per key. Both may
// start at any address. Parts stand in worker order.
struct GradientPart {
  const char* keys = nullptr;
  const char* gradients = nullptr;
  size_t count = 0;
  ValueType dtype = ValueType::kFloat32;  // of gradients; sums are f32
};

// Walks the union of the parts' keys, ascending, in blocks of at most `block_keys`. A single part
// of aligned f32 is one block, without a copy.
class GradientMerge {
 public:
  struct Block {
    std::span<const Key> keys;
    const float* gradients;  // [keys, dim]
  };

  GradientMerge(std::span<const GradientPart> parts, size_t dim, size_t block_keys);

  // Valid until the next call; no keys: the end.
  Block next();

 private:
  Block next_of_one();
  Block next_of_many();

  std::vector<GradientPart> parts_;  // what is left of each
  size_t dim_, block_keys_;
  std::vector<Key> heads_;  // the first key left of each part
  std::vector<Key> keys_;
  std::vector<float> sums_;
};

}  // namespace cairn::ps
