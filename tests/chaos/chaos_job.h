// The job of the kill test, for the server that is killed and for the test that knows what its rows
// must be.
#pragma once

#include "common/config/job.h"
#include "ps/hot/hot_tier.h"
#include "ps/store/rocks_store.h"

namespace cairn {

inline constexpr uint64_t kChaosIncarnation = 0xDEAD;
inline constexpr uint32_t kChaosWorkers = 2;

// Flushes, cuts, evictions and new segments happen all the time.
inline JobConfig chaos_job() {
  JobConfig job;
  job.tables = {{.name = "a", .dim = 4}, {.name = "b", .dim = 2}};
  job.tables[0].optimizer = {.name = "adagrad", .learning_rate = 0.1f, .initial_accumulator = 0.1f};
  job.tables[1].optimizer = {.name = "adam", .learning_rate = 0.01f};
  job.ps.log_bytes_max = 512 << 10;
  return job;
}

// Room for the empty tables and some hundred rows.
inline uint64_t chaos_hot_bytes() {
  return ps::HotTier(SlotRange{}, ps::layouts_of(chaos_job().tables).value(), 0).bytes() +
         (16 << 10);
}

}  // namespace cairn
