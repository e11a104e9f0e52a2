// XXH3 of bytes that come in pieces. The digest is that of all bytes at once. Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "common/hash.h"

struct XXH3_state_s;

namespace cairn {

// One object gives XXH3-64 or XXH3-128, as chosen when it is made. The two share no digest.
class StreamHash {
 public:
  enum class Width : uint8_t { k64, k128 };

  explicit StreamHash(Width width);
  ~StreamHash();
  StreamHash(const StreamHash&) = delete;
  StreamHash& operator=(const StreamHash&) = delete;

  void add(const void* data, size_t bytes);
  uint64_t digest64() const;  // of k64
  Hash128 digest128() const;  // of k128
  void reset();               // to no bytes

 private:
  const Width width_;
  XXH3_state_s*
      state_;  // the library's own allocation: its type is only complete when linked statically
};

// 32 hexadecimal digits, the high half first.
std::string to_hex(const Hash128& hash);

}  // namespace cairn
