// A shard that does everything at once: pushes, training pulls, write-back, compaction and
// checkpoints; how long its answers take meanwhile.
#include <fmt/format.h>

#include <algorithm>

#include "bench/shard/cases.h"
#include "bench/shard/driver.h"

namespace cairn {

namespace {

constexpr uint64_t kRows = 4'000'000;
constexpr uint64_t kLogBytes = uint64_t{1} << 30;  // so that flushes follow each other
constexpr size_t kMessages = 256;
constexpr double kCheckpointEvery = 10;  // seconds
// Steps that a checkpoint is asked for ahead, so that most dirty rows are written before it.
constexpr uint64_t kStepsAhead = 200;

struct Latencies {
  std::vector<double> seconds;

  double at(double share) {
    std::ranges::sort(seconds);
    return seconds[static_cast<size_t>(share * static_cast<double>(seconds.size() - 1))];
  }
  void print(const char* what) {
    fmt::print("{}: {} answers, median {:.2f} ms, p99 {:.2f}, p99.9 {:.2f}, longest {:.2f}\n", what,
               seconds.size(), at(0.5) * 1e3, at(0.99) * 1e3, at(0.999) * 1e3, at(1) * 1e3);
  }
};

}  // namespace

void bench_online(const CaseOptions& options) {
  const double seconds = options.long_run ? 600 : 30;
  const std::filesystem::path folder = options.folder / "online";
  Latencies serving, serving_cpu, training, pushing;
  ShardDriver shard({.durability = Durability::kProcess,
                     .folder = folder,
                     .log_bytes_max = kLogBytes,
                     .answered = [&](const Header& header, double its) {
                       if (header.op == Op::kPush) pushing.seconds.push_back(its);
                       if (header.op == Op::kPull && (header.flags & kPullReadOnly) == 0)
                         training.seconds.push_back(its);
                     }});
  fill(shard, kRows);
  pushing.seconds.clear();
  const MessagePool pool(kRows, kMessages, /*seed=*/7);
  const double start = seconds_now();
  double next_checkpoint = start + kCheckpointEvery / 2;
  size_t checkpoints = 0, message = 0;
  while (seconds_now() - start < seconds) {
    // A step: its push, and the pull of the next, which waits for it. Whoever only reads is
    // answered meanwhile.
    shard.push(pool.keys(message), pool.gradients());
    shard.pull(pool.keys(++message));
    do {
      // As if it had come while the shard began a slice of its other work.
      const double came = seconds_now(), cpu = thread_seconds();
      const uint64_t open = shard.pulls_open();
      shard.turn(false);
      shard.pull(pool.keys(message + kMessages / 2), kPullSpeculative | kPullReadOnly);
      while (shard.pulls_open() > open) shard.turn(false);
      serving.seconds.push_back(seconds_now() - came);
      serving_cpu.seconds.push_back(thread_seconds() - cpu);
    } while (shard.pulls_open() > 0);
    if (seconds_now() < next_checkpoint || shard.checkpoint_open()) continue;
    shard.start_checkpoint(folder / fmt::format("checkpoint-{}", ++checkpoints), kStepsAhead);
    next_checkpoint = seconds_now() + kCheckpointEvery;
  }
  // One that is not due yet comes to nothing.
  shard.wait_until_open(0);
  fmt::print("{}\n{} checkpoints, {:.1f} GB compacted\n", shard.stats(), checkpoints,
             static_cast<double>(shard.compacted_bytes()) / 1e9);
  serving.print("online, pulls that read");
  serving_cpu.print("  their processor time");
  training.print("online, pulls of the next step");
  pushing.print("online, pushes");
  report("shard_online_p999_of_median", serving.at(0.999) / serving.at(0.5));
}

}  // namespace cairn
