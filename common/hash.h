// Keys, hashes and slots. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string_view>

namespace cairn {

using Key = uint64_t;

inline constexpr uint32_t kSlots = 16'384;
inline constexpr uint32_t kSlotBits = 14;

// The finaliser of splitmix64 (Steele, Lea, Flood, OOPSLA 2014): a bijection, so distinct keys have
// distinct hashes.
constexpr uint64_t hash_key(Key key) {
  key += 0x9e3779b97f4a7c15ull;
  key = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9ull;
  key = (key ^ (key >> 27)) * 0x94d049bb133111ebull;
  return key ^ (key >> 31);
}

// The slot of a key: the first 14 bits of its hash. A key's slot never changes. Shards own and move
// whole slots.
constexpr uint32_t slot_of(Key key) {
  return static_cast<uint32_t>(hash_key(key) >> (64 - kSlotBits));
}

// The key of a feature value: XXH3-64 of its bytes.
Key hash_string(std::string_view text);

struct Hash128 {
  uint64_t low = 0, high = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};

// XXH3-128. `seed` names what is hashed.
Hash128 hash_bytes(const void* data, size_t bytes, uint64_t seed);

}  // namespace cairn
