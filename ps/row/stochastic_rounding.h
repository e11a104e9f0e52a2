// Rounds weights to bf16 so that small updates are not lost. An update of a tenth of the distance
// to the next bf16 moves a weight there one time in ten. The chance comes from the counter-based
// generator, keyed by (seed, table, key, step, place). So a replay, and any number of shards,
// rounds alike. Source: Gupta, Agrawal, Gopalakrishnan, Narayanan, "Deep learning with limited
// numerical precision", ICML 2015, section 3. Thread safety: none, for its scratch memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/hash.h"

namespace cairn::ps {

class StochasticRounding {
 public:
  static constexpr size_t kRowsMax = 64;  // of a call: their bits stay in the cache

  explicit StochasticRounding(uint64_t seed);

  // rows[i] holds the weights [dim] of keys[i] after `step`; each weight becomes a bf16. At most
  // kRowsMax rows.
  void round(std::span<float* const> rows, std::span<const Key> keys, uint32_t table, uint32_t step,
             size_t dim);

 private:
  const uint64_t philox_key_;
  std::vector<Key> counter_keys_;      // of each block of 128 bits
  std::vector<uint32_t> counter_low_;  // and the lowest word of its counter
  std::vector<uint32_t> draws_;        // [blocks, 4]
  std::vector<uint16_t> bits_;         // the same as [blocks, 8]
};

}  // namespace cairn::ps
