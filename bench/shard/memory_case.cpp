// Pull and push of rows that are all in memory, in process, nothing logged, against the bare loop
// on the same keys.
#include <fmt/format.h>

#include <algorithm>

#include "bench/shard/bare_table.h"
#include "bench/shard/cases.h"
#include "bench/shard/driver.h"

namespace cairn {

namespace {
constexpr uint64_t kRows = 20'000'000;
constexpr size_t kMessages = 96;
constexpr int kRounds = 7;
}  // namespace

void bench_memory(const CaseOptions&) {
  ShardDriver shard({});
  const double start = seconds_now();
  fill(shard, kRows);
  fmt::print("filling the hot tier: {:.2f} M rows/s\n",
             static_cast<double>(kRows) / (seconds_now() - start) / 1e6);
  fmt::print("{}\n", shard.stats());
  BareTable bare(kRows);
  for (uint64_t i = 0; i < kRows; ++i) bare.insert(bench_key(i));

  const MessagePool pool(kRows, kMessages, /*seed=*/7);
  std::vector<float> rows(kBenchKeys * kBenchDim);
  const auto rate = [&](const auto& message) {
    const double begin = seconds_now();
    for (size_t m = 0; m < kMessages; ++m) message(m);
    return static_cast<double>(kMessages * kBenchKeys) / (seconds_now() - begin);
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
      [&] { return rate([&](size_t m) { bare.pull(pool.keys(m), rows.data()); }); });
  report("shard_pull_of_bare", pull.ratio);

  const Compared push = compare(
      "push with Adagrad, in process, durability: checkpoint", kRounds,
      [&] {
        return rate([&](size_t m) {
          shard.push(pool.keys(m), pool.gradients());
          shard.turn(false);
        });
      },
      [&] { return rate([&](size_t m) { bare.push_adagrad(pool.keys(m), pool.gradients()); }); });
  report("shard_push_of_bare", push.ratio);
}

}  // namespace cairn
