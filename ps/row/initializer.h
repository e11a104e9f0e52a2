// The weights of a row before its first gradient: a function of (seed, table, key, place) alone. So
// a key reads the same on every shard, whether its row was never made, was made, or was dropped.
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <span>

#include "common/config/table_config.h"
#include "common/hash.h"

namespace cairn::ps {

// Fills `weights` [dim].
void initial_weights(const InitializerConfig& config, uint64_t seed, uint32_t table, Key key,
                     std::span<float> weights);

}  // namespace cairn::ps
