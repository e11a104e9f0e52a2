// Durable pushes for a long time: the log is cut and rows are written back all along, keys uniform
// over all rows. In process against the bare prototype, and over tcp.
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>

#include "bench/shard/bare_steady.h"
#include "bench/shard/cases.h"
#include "bench/shard/driver.h"
#include "bench/shard/served.h"
#include "bench/shard/wire_client.h"

namespace cairn {

namespace {

constexpr uint64_t kRows = 10'000'000;
const uint64_t kLogBytes = PsConfig().log_bytes_max;
constexpr uint64_t kOpen = 8;      // pushes without an answer, as a client keeps them
constexpr size_t kMessages = 640;  // together as many keys as there are rows
constexpr double kSegment = 10;    // seconds that each runs before the other does

double process_seconds() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// Over all segments.
struct Total {
  double rows = 0, seconds = 0, cpu = 0, longest_wait = 0;
  double rate() const { return rows / seconds; }
};

// Calls `push` with one number after another. A wait: from one push that is taken to the next.
template <typename Push>
void run_segment(const char* what, Total& total, Push push) {
  static size_t message = 0;
  const double start = seconds_now(), cpu = process_seconds();
  double before = start, at = start, longest_wait = 0, rows = 0;
  for (; at - start < kSegment; rows += kBenchKeys) {
    push(message++);
    at = seconds_now();
    longest_wait = std::max(longest_wait, at - before);
    before = at;
  }
  total.rows += rows;
  total.seconds += at - start;
  total.cpu += process_seconds() - cpu;
  total.longest_wait = std::max(total.longest_wait, longest_wait);
  fmt::print("{:>4.0f} s {}: {:.2f} M rows/s, longest wait {:.3f} s\n", total.seconds, what,
             rows / (at - start) / 1e6, longest_wait);
  std::fflush(stdout);
}

// Pushes over tcp to a shard in a process of its own.
void steady_over_tcp(const CaseOptions& options, const MessagePool& pool, double seconds) {
  zmq::context_t context(1);
  const ServedProcess server({.kind = "shard",
                              .durability = "process",
                              .log_bytes_max = kLogBytes,
                              .folder = options.folder / "steady-tcp"});
  WireClient client(context, server.endpoint());
  fill(client, kRows);
  const double cpu = server.cpu_seconds();
  Total total;
  for (uint64_t i = 0; i < kOpen; ++i) client.push(pool.keys(i), pool.gradients());
  while (total.seconds < seconds)
    run_segment("steady over tcp", total, [&](size_t message) {
      client.receive();
      client.push(pool.keys(message), pool.gradients());
    });
  fmt::print(
      "steady over tcp: {:.2f} M rows/s on {:.2f} cores of the server, longest wait {:.3f} s\n",
      total.rate() / 1e6, (server.cpu_seconds() - cpu) / total.seconds, total.longest_wait);
  report("shard_steady_tcp_rows_per_second", total.rate());
  report("shard_steady_tcp_longest_wait_seconds", total.longest_wait);
}

// In process, in turn with the prototype.
void steady_in_process(const CaseOptions& options, const MessagePool& pool, double seconds) {
  BareSteady bare(options.folder / "bare-steady", kRows, kLogBytes);
  ShardDriver shard({.durability = Durability::kProcess,
                     .folder = options.folder / "steady",
                     .log_bytes_max = kLogBytes});
  fill(shard, kRows);
  ShardMetrics& metrics = shard.metrics();
  const double logged = metrics.log_written_bytes.Value();
  const double written_back = metrics.write_back_bytes.Value();
  const auto compacted = static_cast<double>(shard.compacted_bytes());
  Total ours, its;
  while (ours.seconds < seconds) {
    run_segment("steady", ours, [&](size_t message) {
      shard.wait_until_open(kOpen - 1);
      shard.push(pool.keys(message), pool.gradients());
      shard.turn(false);
    });
    shard.wait_until_open(0);
    run_segment("bare", its,
                [&](size_t message) { bare.push(pool.keys(message), pool.gradients()); });
  }
  fmt::print("{}\n", shard.stats());
  fmt::print(
      "steady: {:.2f} M rows/s on {:.2f} cores; bytes a pushed row: log {:.1f}, written back "
      "{:.1f}, "
      "compacted {:.1f}; bare {:.2f} M rows/s on {:.2f} cores, longest wait {:.3f} s\n",
      ours.rate() / 1e6, ours.cpu / ours.seconds,
      (metrics.log_written_bytes.Value() - logged) / ours.rows,
      (metrics.write_back_bytes.Value() - written_back) / ours.rows,
      (static_cast<double>(shard.compacted_bytes()) - compacted) / ours.rows, its.rate() / 1e6,
      its.cpu / its.seconds, its.longest_wait);
  report("shard_steady_of_bare", ours.rate() / its.rate());
  report("shard_steady_longest_wait_seconds", ours.longest_wait);
}

}  // namespace

void bench_steady(const CaseOptions& options) {
  const MessagePool pool(kRows, kMessages, /*seed=*/7);
  steady_in_process(options, pool, options.long_run ? 600 : 40);
}

void bench_steady_tcp(const CaseOptions& options) {
  const MessagePool pool(kRows, kMessages, /*seed=*/7);
  steady_over_tcp(options, pool, options.long_run ? 600 : 20);
}

}  // namespace cairn
