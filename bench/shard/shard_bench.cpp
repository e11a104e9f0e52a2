// The shard against yardsticks that run beside it: bare loops and prototypes without what makes it
// durable, bounded and safe. Rows of dim 16 with Adagrad's state, 16,384 unique keys per message.
//   shard_bench [--long] [--only CASE] [--rows N] [--folder FOLDER]

#include <fmt/format.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <vector>

#include "bench/gate.h"
#include "bench/shard/cases.h"
#include "bench/shard/served.h"
#include "common/check.h"

namespace cairn {

namespace {

struct Case {
  std::string name;
  void (*run)(const CaseOptions&);
};
// clang-format off
const Case kCases[] = {
    {"memory", bench_memory},
    {"durable", bench_durable},
    {"tcp", bench_tcp},
    {"write-back", bench_write_back},
    {"cold", bench_cold},
    {"steady", bench_steady},
    {"steady-tcp", bench_steady_tcp},
    {"scaling", bench_scaling},
    {"online", bench_online},
};
// clang-format on

struct Goal {
  std::string of_case, name, bound;
  double value;
};
const Goal kGoals[] = {
    {"memory", "shard_pull_of_bare", ">=", 0.85},
    {"memory", "shard_push_of_bare", ">=", 0.85},
    {"durable", "shard_process_of_checkpoint", ">=", 0.8},
    {"durable", "shard_machine_of_checkpoint", ">=", 0.6},
    {"tcp", "shard_tcp_pull_of_bare", ">=", 0.9},
    {"tcp", "shard_tcp_push_process_of_bare_log", ">=", 1.2},
    {"tcp", "shard_tcp_push_process_of_bare_memory", ">=", 0.7},
    {"tcp", "shard_tcp_push_machine_of_bare_log", ">=", 1.0},
    {"write-back", "shard_write_back_of_bare", ">=", 0.6},
    {"cold", "shard_misses_of_multiget", ">=", 0.9},
    {"cold", "shard_hit_p99_beside_misses_of_alone", "<=", 3},
    {"cold", "shard_misses_slowest_of_median", ">=", 0.5},
    {"cold", "shard_misses_of_disk", ">=", 0.5},
    {"steady", "shard_steady_of_bare", ">=", 0.6},
    {"steady", "shard_steady_longest_wait_seconds", "<=", 1},
    {"steady-tcp", "shard_steady_tcp_rows_per_second", ">=", 4e6},
    {"steady-tcp", "shard_steady_tcp_longest_wait_seconds", "<=", 1},
    {"scaling", "shard_two_of_one", ">=", 1.8},
    {"online", "shard_online_p999_of_median", "<=", 20},
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

void report(const std::string& name, double value) {
  for (const Goal& goal : kGoals)
    if (goal.name == name) return gate(name, value, goal.bound, goal.value);
  check(false, "a goal stands in the table");
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double thread_seconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

Compared compare(const std::string& what, int rounds, const std::function<double()>& ours,
                 const std::function<double()>& bare) {
  std::vector<double> our_rates, bare_rates, ratios;
  for (int i = 0; i < rounds; ++i) {
    bare_rates.push_back(bare());
    our_rates.push_back(ours());
    ratios.push_back(our_rates.back() / bare_rates.back());
  }
  const Compared compared = {median(our_rates), median(bare_rates), median(ratios)};
  std::ranges::sort(ratios);
  const size_t quarter = ratios.size() / 4;
  fmt::print("{}: {:.2f} M/s, bare {:.2f} M/s, ratio {:.3f} (quartiles {:.3f}, {:.3f})\n", what,
             compared.ours / 1e6, compared.bare / 1e6, compared.ratio, ratios[quarter],
             ratios[ratios.size() - 1 - quarter]);
  figure(what, compared.ours, "rows/s");
  return compared;
}

}  // namespace cairn

int main(int argc, char** argv) {
  using namespace cairn;
  CaseOptions options{.folder = std::filesystem::temp_directory_path() / "cairn-shard-bench"};
  std::string only, why_not;
  if (argc > 1 && std::string(argv[1]) == "--serve") serve({argv + 2, argv + argc});
  std::vector<std::string> names;
  for (const Case& its : kCases) names.push_back(its.name);
  CLI::App app("The shard against yardsticks that run beside it");
  app.add_flag("--long", options.long_run, "what takes minutes, at full length");
  app.add_option("--only", only, "one case")->check(CLI::IsMember(names));
  app.add_option("--rows", options.rows, "that are all in memory");
  app.add_option("--folder", options.folder, "for logs and stores; on the disk to be measured");
  app.add_option("--skip", why_not, "measure nothing, print this reason a goal");
  CLI11_PARSE(app, argc, argv);
  for (const Case& its : kCases) {
    const std::string why = !why_not.empty()                    ? why_not
                            : !only.empty() && only != its.name ? "not in case " + only
                                                                : "";
    if (why.empty()) {
      its.run(options);
      continue;
    }
    for (const Goal& goal : kGoals)
      if (goal.of_case == its.name) gate_skipped(goal.name, goal.bound, goal.value, why);
  }
}
