#include "common/hash.h"

#include <xxhash.h>

namespace cairn {

Key hash_string(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

Hash128 hash_bytes(const void* data, size_t bytes, uint64_t seed) {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(data, bytes, seed);
  return {hash.low64, hash.high64};
}

}  // namespace cairn
