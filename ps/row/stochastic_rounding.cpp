#include "ps/row/stochastic_rounding.h"

#include <cstring>

#include "common/check.h"
#include "common/random.h"
#include "common/simd.h"
#include "common/values.h"

namespace cairn::ps {

namespace {

// Sets these draws apart from those that others make with the job's seed.
constexpr uint64_t kPurpose = 0x726f756e642d30ull;  // "round-0"
constexpr size_t kWeightsPerBlock = 8;              // 128 bits, 16 a weight

// bits [count, 8]: of block i the draw for (keys[i], step << 32 | low[i]). As philox() in
// common/random.h, but without arrays, so that many blocks are drawn side by side.
CAIRN_SIMD void draw(uint64_t philox_key, const Key* __restrict keys,
                     const uint32_t* __restrict low, uint32_t step, size_t count,
                     uint32_t* __restrict bits) {
  for (size_t i = 0; i < count; ++i) {
    uint32_t k0 = static_cast<uint32_t>(philox_key), k1 = static_cast<uint32_t>(philox_key >> 32);
    uint32_t c0 = low[i], c1 = step;
    uint32_t c2 = static_cast<uint32_t>(keys[i]), c3 = static_cast<uint32_t>(keys[i] >> 32);
    for (int round = 0; round < 10; ++round) {
      const uint64_t p0 = uint64_t{0xD2511F53u} * c0, p1 = uint64_t{0xCD9E8D57u} * c2;
      c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k0;
      c1 = static_cast<uint32_t>(p1);
      c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k1;
      c3 = static_cast<uint32_t>(p0);
      k0 += 0x9E3779B9u;
      k1 += 0xBB67AE85u;
    }
    bits[4 * i] = c0;
    bits[4 * i + 1] = c1;
    bits[4 * i + 2] = c2;
    bits[4 * i + 3] = c3;
  }
}

}  // namespace

StochasticRounding::StochasticRounding(uint64_t seed) : philox_key_(hash_key(seed ^ kPurpose)) {}

void StochasticRounding::round(std::span<float* const> rows, std::span<const Key> keys,
                               uint32_t table, uint32_t step, size_t dim) {
  check(rows.size() == keys.size() && rows.size() <= kRowsMax, "some rows and their keys");
  const size_t blocks = (dim + kWeightsPerBlock - 1) / kWeightsPerBlock;
  counter_keys_.resize(rows.size() * blocks);
  counter_low_.resize(rows.size() * blocks);
  bits_.resize(rows.size() * blocks * kWeightsPerBlock);
  draws_.resize(rows.size() * blocks * 4);
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t block = 0; block < blocks; ++block) {
      counter_keys_[r * blocks + block] = keys[r];
      counter_low_[r * blocks + block] = table << 16 | static_cast<uint32_t>(block);
    }
  }
  draw(philox_key_, counter_keys_.data(), counter_low_.data(), step, counter_low_.size(),
       draws_.data());
  std::memcpy(bits_.data(), draws_.data(), draws_.size() * sizeof(uint32_t));
  for (size_t r = 0; r < rows.size(); ++r)
    round_stochastically(rows[r], bits_.data() + r * blocks * kWeightsPerBlock, dim);
}

}  // namespace cairn::ps
