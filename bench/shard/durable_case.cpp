// Durable pushes, in process: first with a log that nothing cuts, then steadily, the log cut and
// rows written back all along.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "bench/shard/cases.h"
#include "bench/shard/driver.h"

namespace cairn {

namespace {

constexpr uint64_t kOpen = 8;  // pushes without an answer, as a client keeps them
constexpr size_t kMessages = 96;

struct Pushed {
  double rows_per_second = 0, longest_wait = 0;
};

// Pushes one message of the pool after another for so long. A wait: from one push that is taken to
// the next.
Pushed push_for(ShardDriver& shard, const MessagePool& pool, double seconds) {
  Pushed pushed;
  const double start = seconds_now();
  double before = start, at = start;
  size_t messages = 0;
  for (; at - start < seconds; ++messages) {
    shard.wait_until_open(kOpen - 1);
    shard.push(pool.keys(messages), pool.gradients());
    shard.turn(false);
    at = seconds_now();
    pushed.longest_wait = std::max(pushed.longest_wait, at - before);
    before = at;
  }
  shard.wait_until_open(0);
  pushed.rows_per_second = static_cast<double>(messages * kBenchKeys) / (seconds_now() - start);
  return pushed;
}

double process_seconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
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
        [&] { return push_for(*shard, pool, kSeconds).rows_per_second; },
        [&] { return push_for(*checkpoint, pool, kSeconds).rows_per_second; });
    report(goal, compared.ratio);
  }
}

void bench_steady(const CaseOptions& options) {
  constexpr uint64_t kRows = 10'000'000;
  const double seconds = options.long_run ? 600 : 60;
  ShardDriver shard({.durability = Durability::kProcess,
                     .folder = options.folder / "steady",
                     .log_bytes_max = uint64_t{4} << 30});
  const MessagePool pool(kRows, kMessages, /*seed=*/7);
  fill(shard, kRows);
  const double written_before = shard.metrics().write_back_bytes.Value();
  const double cpu_before = process_seconds();
  double rows = 0, longest_wait = 0, elapsed = 0;
  while (elapsed < seconds) {
    const double start = seconds_now();
    const Pushed pushed = push_for(shard, pool, std::min(10.0, seconds - elapsed));
    elapsed += seconds_now() - start;
    rows += pushed.rows_per_second * (seconds_now() - start);
    longest_wait = std::max(longest_wait, pushed.longest_wait);
    fmt::print("steady, {:.0f} s: {:.2f} M rows/s, longest wait {:.3f} s\n", elapsed,
               pushed.rows_per_second / 1e6, pushed.longest_wait);
    std::fflush(stdout);
  }
  fmt::print("{}\n", shard.stats());
  fmt::print("steady: {:.2f} M rows/s, {:.1f} bytes written back a pushed row, {:.2f} cores\n",
             rows / elapsed / 1e6,
             (shard.metrics().write_back_bytes.Value() - written_before) / rows,
             (process_seconds() - cpu_before) / elapsed);
  report("shard_steady_longest_wait_seconds", longest_wait);
}

}  // namespace cairn
