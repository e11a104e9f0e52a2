// Durable pushes, in process, with a log that nothing cuts.
#include <fmt/format.h>

#include "bench/shard/cases.h"
#include "bench/shard/driver.h"

namespace cairn {

namespace {

constexpr uint64_t kOpen = 8;  // pushes without an answer, as a client keeps them
constexpr size_t kMessages = 96;

double push_for(ShardDriver& shard, const MessagePool& pool, double seconds) {
  const double start = seconds_now();
  size_t messages = 0;
  for (; seconds_now() - start < seconds; ++messages) {
    shard.wait_until_open(kOpen - 1);
    shard.push(pool.keys(messages), pool.gradients());
    shard.turn(false);
  }
  shard.wait_until_open(0);
  return static_cast<double>(messages * kBenchKeys) / (seconds_now() - start);
}

}  // namespace

void bench_durable(const CaseOptions& options) {
  constexpr uint64_t kRows = 4'000'000;
  constexpr double kSeconds = 1;
  constexpr int kRounds = 5;
  const MessagePool pool(kRows, kMessages, /*seed=*/7);
  const auto make = [&](std::optional<Durability> durability, const char* name) {
    auto shard = std::make_unique<ShardDriver>(
        DriverOptions{.durability = durability, .folder = options.folder / name});
    fill(*shard, kRows);
    return shard;
  };
  const auto checkpoint = make(Durability::kCheckpoint, "checkpoint");
  for (const auto& [durability, name, goal] :
       {std::tuple{Durability::kProcess, "process", "shard_process_of_checkpoint"},
        std::tuple{Durability::kMachine, "machine", "shard_machine_of_checkpoint"}}) {
    const auto shard = make(durability, name);
    const Compared compared = compare(
        fmt::format("push, durability: {} against checkpoint", name), kRounds,
        [&] { return push_for(*shard, pool, kSeconds); },
        [&] { return push_for(*checkpoint, pool, kSeconds); });
    report(goal, compared.ratio);
  }
}

}  // namespace cairn
