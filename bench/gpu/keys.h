// Keys of a batch as a worker sees them after it made them unique.
#pragma once

#include <cstdint>
#include <vector>

namespace cairn::gpu {

// Replaces each key by its number among those that occur, ascending, and returns how many do.
inline size_t make_unique(std::vector<uint32_t>& keys, size_t cardinality) {
  std::vector<uint32_t> number(cardinality);
  for (const uint32_t key : keys) number[key] = 1;
  uint32_t count = 0;
  for (uint32_t& n : number)
    if (n != 0) n = count++;
  for (uint32_t& key : keys) key = number[key];
  return count;
}

}  // namespace cairn::gpu
