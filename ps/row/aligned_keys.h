// Keys as they lie in a message, at any address. Thread safety: pure function.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "common/hash.h"

namespace cairn::ps {

// `count` keys at `keys`; a copy in `copy` where that address is not aligned for keys.
inline std::span<const Key> aligned_keys(const char* keys, size_t count, std::vector<Key>& copy) {
  if (std::bit_cast<uintptr_t>(keys) % alignof(Key) == 0)
    return {reinterpret_cast<const Key*>(keys), count};
  copy.resize(count);
  std::memcpy(copy.data(), keys, count * sizeof(Key));
  return copy;
}

}  // namespace cairn::ps
