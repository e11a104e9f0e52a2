// How long a shard takes to come back: a store of 10 M rows of dim 16 with Adagrad's state, and a
// log behind it whose pushes have 16,384 unique keys each, uniform over the table or a part of it.
//   recovery_bench [--long] [--rows N] [--folder FOLDER] [--threads N] [--rounds N]
//                  [--only reads|recoveries]
// Files are in the page cache, as after the death of a process.
#include <fmt/format.h>
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "bench/gate.h"
#include "bench/recovery/fitted_line.h"
#include "bench/recovery/shard_files.h"
#include "common/check.h"
#include "ps/recovery/recovery_reads.h"
#include "ps/recovery/reopened_shard.h"

namespace cairn {

namespace {

struct Options {
  std::filesystem::path folder = std::filesystem::temp_directory_path() / "cairn-recovery-bench";
  uint64_t rows = 10'000'000;
  bool long_run = false;
  uint32_t threads = PsConfig().read_threads;
  int rounds = 3;
  std::string only = {};  // "reads": how keys are read; "recoveries"; empty: both
};

constexpr uint64_t kHotBytes = uint64_t{6} << 30;  // as `auto` gives one shard of a host of 24 GiB
constexpr uint64_t kHotPart =
    16;  // of it, pushes that are applied at once (ps/recovery/recovery.h)

struct Time {
  double wall = 0, cpu = 0;  // seconds
};

Time now() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration<double>(since_boot).count(),
          seconds(usage.ru_utime) + seconds(usage.ru_stime)};
}

// The fastest of a few rounds: other load on the machine only adds time.
Time fastest(int rounds, const std::function<void()>& work) {
  Time best;
  for (int round = 0; round < rounds; ++round) {
    const Time began = now();
    work();
    const Time ended = now();
    const Time took = {ended.wall - began.wall, ended.cpu - began.cpu};
    if (round == 0 || took.wall < best.wall) best = took;
  }
  return best;
}

Recovered recover_case(const Options& options, ps::RocksStore& table, uint64_t logged_rows,
                       uint64_t distinct) {
  const BenchShard shard(options.folder / "shard", table, logged_rows, distinct);
  PsConfig ps;
  ps.read_threads = options.threads;
  Recovered its;
  const Time time = fastest(options.rounds, [&] {
    const Result<ps::ReopenedShard> reopened = ps::reopen_shard(
        shard.folder(), ps, {.hot_bytes = kHotBytes, .tables = bench_tables(), .sequences = {}});
    check(reopened.ok(), reopened.ok() ? "" : reopened.error().message);
    its.unique_keys = static_cast<double>(reopened.value().report.unique_keys);
    its.logged_rows = static_cast<double>(reopened.value().report.logged_rows);
  });
  its.seconds = time.wall;
  fmt::print("{:>11.0f} logged rows, {:>10.0f} unique keys: {:6.2f} s, {:6.2f} s of CPU\n",
             its.logged_rows, its.unique_keys, time.wall, time.cpu);
  figure(fmt::format("{:.0f} logged rows, {:.0f} unique keys", its.logged_rows, its.unique_keys),
         time.wall, "s");
  return its;
}

// Where looking up each key and going through whole slots take the same time.
void measure_scan_ratio(const Options& options, ps::RocksStore& table) {
  ps::RocksRecoveryStore reads(table, {}, options.threads);
  for (const uint64_t one_in : {200, 50, 25, 16, 12, 8, 4}) {
    const std::vector<ps::RowKey> keys = sorted_row_keys(options.rows, options.rows / one_in);
    std::array<Time, 2> times;
    for (const bool scan : {false, true}) {
      reads.set_scan_ratio(scan ? std::numeric_limits<uint32_t>::max() : 0);
      times[scan] = fastest(options.rounds, [&] {
        size_t found = 0;
        const Status read =
            reads.read(keys, [&](std::span<const ps::RowKey>, const ps::RowBatch& rows) {
              found += rows.entries.size();
            });
        check(read.ok() && found == keys.size(), "every key asked for is found");
      });
    }
    fmt::print("1 row in {:>3}: looked up {:.2f} s ({:.2f} of CPU), scanned {:.2f} s ({:.2f})\n",
               one_in, times[0].wall, times[0].cpu, times[1].wall, times[1].cpu);
    std::fflush(stdout);
  }
}

// An upper bound: keys that come again in another part of the log are in memory by then.
double by_line(const FittedLine& line, const Options& options, uint64_t logged_rows) {
  const double rows = static_cast<double>(options.rows), all = static_cast<double>(logged_rows);
  const double of_a_part = static_cast<double>(kHotBytes / kHotPart / bytes_of_logged_row());
  const double unique = all / of_a_part * rows * (1 - std::exp(-of_a_part / rows));
  fmt::print("a full log by that line: {:.0f} M logged rows, {:.1f} M unique keys of its parts\n",
             all / 1e6, unique / 1e6);
  return line.at(unique, all);
}

void measure_recoveries(const Options& options, ps::RocksStore& table) {
  std::vector<Recovered> measured;
  const uint64_t million = 1'000'000;
  const auto take = [&](uint64_t logged_rows, uint64_t distinct) {
    measured.push_back(recover_case(options, table, logged_rows, distinct));
    return measured.back().seconds;
  };
  const double of_a_million = take(million, options.rows);
  take(million, options.rows / 100);
  take(10 * million, options.rows);
  take(10 * million, options.rows / 10);
  const uint64_t full = PsConfig().log_bytes_max / bytes_of_logged_row();
  std::optional<double> of_a_full_log;
  if (options.long_run) {
    of_a_full_log = take(full, options.rows);
    take(100 * million, options.rows);
  }

  const FittedLine line = fit(measured);
  fmt::print("seconds = {:.3f} + {:.3f} x M unique keys + {:.3f} x M logged rows\n", line.a, line.b,
             line.c);
  gate("recovery_seconds_of_1M_logged_rows", of_a_million, "<=", 2);
  gate("recovery_seconds_of_a_full_log", of_a_full_log.value_or(by_line(line, options, full)),
       "<=", 30);
}

void run(const Options& options) {
  const std::unique_ptr<ps::RocksStore> table = make_table(options.folder / "table", options.rows);
  if (options.only != "recoveries") measure_scan_ratio(options, *table);
  if (options.only != "reads") measure_recoveries(options, *table);
}

}  // namespace

}  // namespace cairn

int main(int argc, char** argv) {
  using namespace cairn;
  Options options;
  std::string why_not;
  CLI::App app("How long a shard takes to come back");
  app.add_flag("--long", options.long_run, "a full log and 100 M logged rows as well");
  app.add_option("--rows", options.rows, "of the table");
  app.add_option("--folder", options.folder, "for logs and stores");
  app.add_option("--threads", options.threads, "that read rows");
  app.add_option("--rounds", options.rounds, "of which the fastest counts");
  app.add_option("--only", options.only)->check(CLI::IsMember({"reads", "recoveries"}));
  app.add_option("--skip", why_not, "measure nothing, print this reason a goal");
  CLI11_PARSE(app, argc, argv);
  if (!why_not.empty()) {
    gate_skipped("recovery_seconds_of_1M_logged_rows", "<=", 2, why_not);
    gate_skipped("recovery_seconds_of_a_full_log", "<=", 30, why_not);
    return 0;
  }
  run(options);
  std::filesystem::remove_all(options.folder);
}
