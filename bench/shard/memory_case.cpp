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
constexpr size_t kMessagesARound = 24;
constexpr int kRounds = 41;
}  // namespace

void bench_memory(const CaseOptions& options) {
  const uint64_t total = options.rows;
  BareTable bare(total);
  for (uint64_t i = 0; i < total; ++i) bare.insert(bench_key(i));

  ShardDriver shard({});
  const double start = seconds_now();
  fill(shard, total);
  fmt::print("filling the hot tier: {:.2f} M rows/s\n",
             static_cast<double>(total) / (seconds_now() - start) / 1e6);
  fmt::print("{}\n", shard.stats());
  const MessagePool pool(total, kMessages, /*seed=*/7);
  std::vector<float> rows(kBenchKeys * kBenchDim);
  size_t next = 0;  // message of the pool
  const auto rate = [&](const auto& message) {
    const double begin = thread_seconds();
    for (size_t m = 0; m < kMessagesARound; ++m) message(next + m);
    return static_cast<double>(kMessagesARound * kBenchKeys) / (thread_seconds() - begin);
  };
  const Compared pull = compare(
      "pull, in process", kRounds,
      [&] {
        return rate([&](size_t m) {
          shard.pull(pool.keys(m));
          shard.turn(false);
          shard.push({}, nullptr);  // the next pull is of the next step and pins its rows anew
          shard.turn(false);
        });
      },
      [&] {
        next += kMessagesARound;
        return rate([&](size_t m) { bare.pull(pool.keys(m), rows.data()); });
      });
  report("shard_pull_of_bare", pull.ratio);

  const Compared push = compare(
      "push with Adagrad, in process, durability: checkpoint", kRounds,
      [&] {
        return rate([&](size_t m) {
          shard.push(pool.keys(m), pool.gradients());
          shard.turn(false);
        });
      },
      [&] {
        next += kMessagesARound;
        return rate([&](size_t m) { bare.push_adagrad(pool.keys(m), pool.gradients()); });
      });
  report("shard_push_of_bare", push.ratio);
}

}  // namespace cairn
