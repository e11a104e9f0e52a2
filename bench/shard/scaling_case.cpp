// Two shards on two cores against one, and two workers of a step against one: pushes in process,
// nothing logged.
#include <fmt/format.h>

#include <thread>

#include "bench/shard/cases.h"
#include "bench/shard/driver.h"

namespace cairn {

namespace {

constexpr uint64_t kRows = 10'000'000;  // of all shards together
constexpr size_t kMessages = 96;
constexpr size_t kMessagesPerRound = 96;
constexpr int kRounds = 7;

// One of `shards`, with its part of the rows.
struct Part {
  Part(uint32_t shard, uint32_t shards, uint32_t workers = 1)
      : driver({.shard = shard, .shards = shards, .workers = workers}),
        pool(kRows, kMessages, /*seed=*/7, SlotMap{.shards = shards}.range_of(shard)) {
    fill(driver, kRows, SlotMap{.shards = shards}.range_of(shard));
  }

  void push_round(uint32_t workers = 1) {
    for (size_t m = 0; m < kMessagesPerRound; ++m) {
      driver.push(pool.keys(m), pool.gradients(), static_cast<uint32_t>(m % workers));
      driver.turn(false);
    }
  }

  ShardDriver driver;
  MessagePool pool;
};

double rate(size_t messages, double start) {
  return static_cast<double>(messages * kBenchKeys) / (seconds_now() - start);
}

}  // namespace

void bench_scaling(const CaseOptions&) {
  Part whole(0, 1), first(0, 2), second(1, 2);
  const auto one = [&] {
    const double start = seconds_now();
    whole.push_round();
    return rate(kMessagesPerRound, start);
  };
  const Compared shards = compare(
      "push, 2 shards on a thread each against 1", kRounds,
      [&] {
        const double start = seconds_now();
        std::jthread other([&] { second.push_round(); });
        first.push_round();
        other.join();
        return rate(2 * kMessagesPerRound, start);
      },
      one);
  report("shard_two_of_one", shards.ratio);

  // Reported alone: gathering adds a pass over the gradients. A step of two workers holds two
  // messages.
  Part gathered(0, 1, /*workers=*/2);
  compare(
      "push in sync, 2 workers against 1", kRounds,
      [&] {
        const double start = seconds_now();
        gathered.push_round(2);
        return rate(kMessagesPerRound, start);
      },
      one);
}

}  // namespace cairn
