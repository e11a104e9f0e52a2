// Counter-based random numbers: a pure function of (key, counter). So a draw depends on its purpose
// (seed, table, key, place) alone. It never depends on who draws first, or on which shard or
// worker. Source: Philox4x32-10, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC
// 2011. Thread safety: pure functions; `RandomStream` is a plain value.
#pragma once

#include <array>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace cairn {

__extension__ using Uint128 = unsigned __int128;

using PhiloxBlock = std::array<uint32_t, 4>;

// 128 random bits for a 64-bit key and a 128-bit counter.
constexpr PhiloxBlock philox(uint64_t key, uint64_t counter_high, uint64_t counter_low) {
  uint32_t k0 = static_cast<uint32_t>(key), k1 = static_cast<uint32_t>(key >> 32);
  PhiloxBlock c = {static_cast<uint32_t>(counter_low), static_cast<uint32_t>(counter_low >> 32),
                   static_cast<uint32_t>(counter_high), static_cast<uint32_t>(counter_high >> 32)};
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = uint64_t{0xD2511F53u} * c[0];
    const uint64_t p1 = uint64_t{0xCD9E8D57u} * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ k0, static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ k1, static_cast<uint32_t>(p0)};
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return c;
}

// The highest 24 bits as a float in [0, 1).
constexpr float unit_float(uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24f; }

// A sequence of draws for one purpose. `stream` and `place` name the purpose: two streams that
// differ in key, stream or place share no draws.
class RandomStream {
 public:
  constexpr RandomStream(uint64_t key, uint64_t stream, uint64_t place = 0)
      : key_(key), high_(stream), low_(place << 32) {}

  constexpr uint32_t next_u32() {
    if (used_ == 4) {
      block_ = philox(key_, high_, low_++);
      used_ = 0;
    }
    return block_[used_++];
  }
  constexpr uint64_t next_u64() {
    const uint64_t high = next_u32();
    return high << 32 | next_u32();
  }
  // Uniform in [0, bound), unbiased enough for bound < 2^32 (bias below 2^-32).
  constexpr uint64_t next_below(uint64_t bound) {
    return static_cast<uint64_t>((static_cast<Uint128>(next_u64()) * bound) >> 64);
  }
  constexpr float next_float() { return unit_float(next_u32()); }
  constexpr double next_double() { return static_cast<double>(next_u64() >> 11) * 0x1p-53; }
  // Standard normal, by Box and Muller (1958), one of the pair.
  float next_normal() {
    const double u = 1.0 - next_double(), v = next_double();
    return static_cast<float>(std::sqrt(-2.0 * std::log(u)) * std::cos(2.0 * std::numbers::pi * v));
  }

 private:
  uint64_t key_, high_, low_;
  PhiloxBlock block_{};
  unsigned used_ = 4;
};

}  // namespace cairn
