// Pull and push of rows that are all in memory, in process, nothing logged, against the bare loop
// on the same keys.
#include <fmt/format.h>

#include <algorithm>

#include "bench/shard/bare_table.h"
#include "bench/shard/cases.h"
#include "bench/shard/driver.h"

namespace cairn {

namespace {
constexpr size_t kMessages = 96;
constexpr size_t kMessagesPerRound = 24;
constexpr int kRounds = 41;
// Rows a second of a round of messages from `first` on.
template <typename Message>
double rate(size_t first, const Message& message) {
  const double begin = thread_seconds();
  for (size_t m = 0; m < kMessagesPerRound; ++m) message(first + m);
  return static_cast<double>(kMessagesPerRound * kBenchKeys) / (thread_seconds() - begin);
}

Compared compare_pulls(const std::string& what, ShardDriver& shard, BareTable& bare,
                       const MessagePool& pool) {
  std::vector<float> rows(kBenchKeys * kBenchDim);
  size_t next = 0;  // message of the pool
  return compare(
      what, kRounds,
      [&] {
        return rate(next, [&](size_t m) {
          shard.pull(pool.keys(m));
          shard.turn(false);
          shard.push({}, nullptr);  // the next pull is of the next step
          shard.turn(false);
        });
      },
      [&] {
        next += kMessagesPerRound;
        return rate(next, [&](size_t m) { bare.pull(pool.keys(m), rows.data()); });
      });
}

// Beyond three quarters of `hot_bytes` pulls pin their rows, which writes to them.
constexpr uint64_t kBytesPerRowNearBound = 200;

}  // namespace

void bench_memory(const CaseOptions& options) {
  const uint64_t total = options.rows;
  BareTable bare(total);
  for (uint64_t i = 0; i < total; ++i) bare.insert(bench_key(i));
  const MessagePool pool(total, kMessages, /*seed=*/7);
  {
    ShardDriver shard({.hot_bytes = total * kBytesPerRowNearBound});
    fill(shard, total);
    compare_pulls("pull, in process, near the bound of the hot tier", shard, bare, pool);
  }
  ShardDriver shard({});
  const double start = seconds_now();
  fill(shard, total);
  fmt::print("filling the hot tier: {:.2f} M rows/s\n",
             static_cast<double>(total) / (seconds_now() - start) / 1e6);
  fmt::print("{}\n", shard.stats());
  report("shard_pull_of_bare", compare_pulls("pull, in process", shard, bare, pool).ratio);

  size_t next = 0;
  const Compared push = compare(
      "push with Adagrad, in process, durability: checkpoint", kRounds,
      [&] {
        return rate(next, [&](size_t m) {
          shard.push(pool.keys(m), pool.gradients());
          shard.turn(false);
        });
      },
      [&] {
        next += kMessagesPerRound;
        return rate(next, [&](size_t m) { bare.push_adagrad(pool.keys(m), pool.gradients()); });
      });
  report("shard_push_of_bare", push.ratio);
}

}  // namespace cairn
