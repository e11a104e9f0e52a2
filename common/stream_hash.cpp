#include "common/stream_hash.h"

#include <fmt/format.h>
#include <xxhash.h>

#include "common/check.h"

namespace cairn {

StreamHash::StreamHash(Width width) : width_(width), state_(XXH3_createState()) {
  check(state_ != nullptr, "memory for a hash");
  reset();
}

StreamHash::~StreamHash() { XXH3_freeState(state_); }

void StreamHash::reset() {
  if (width_ == Width::k64)
    XXH3_64bits_reset(state_);
  else
    XXH3_128bits_reset(state_);
}

void StreamHash::add(const void* data, size_t bytes) {
  if (bytes == 0) return;
  if (width_ == Width::k64)
    XXH3_64bits_update(state_, data, bytes);
  else
    XXH3_128bits_update(state_, data, bytes);
}

uint64_t StreamHash::digest64() const {
  check(width_ == Width::k64, "a 64-bit digest of a 64-bit hash");
  return XXH3_64bits_digest(state_);
}

Hash128 StreamHash::digest128() const {
  check(width_ == Width::k128, "a 128-bit digest of a 128-bit hash");
  const XXH128_hash_t hash = XXH3_128bits_digest(state_);
  return {hash.low64, hash.high64};
}

std::string to_hex(const Hash128& hash) {
  return fmt::format("{:016x}{:016x}", hash.high, hash.low);
}

}  // namespace cairn
