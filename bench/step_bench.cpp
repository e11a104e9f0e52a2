// The training step on the CPU: against the matrix products it cannot do without, back to back by
// oneDNN in the same run, and against PyTorch where an interpreter that has it is named; and whole
// jobs with a server against it (bench/step/served_case.h).
//   --pytorch PYTHON  run bench/step/pytorch.py with this interpreter too; may be given several
//                     times, and the fastest counts
//   --only CASE       yardstick_f32_one_core, ...
//   --rounds N        of which each measures both sides; default 9
// Run from the root of the project.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <tuple>
#include <vector>

#include "bench/gate.h"
#include "bench/step/clock.h"
#include "bench/step/floor.h"
#include "bench/step/local_job.h"
#include "bench/step/models.h"
#include "bench/step/served_case.h"

namespace cairn::step {
namespace {

struct Case {
  const char* name;
  StepModel (*model)();
  size_t workers;  // of one thread each; the floor and PyTorch have as many threads
  Precision precision;
  // Goals; 0: none. PyTorch in the same precision, and in f32.
  double of_floor, not_products, of_pytorch, of_pytorch_f32 = 0;

  bool bf16() const { return precision == Precision::kBf16; }
  std::string gate(const char* figure) const { return fmt::format("{}_{}", name, figure); }
};
constexpr Case kCases[] = {
    {"yardstick_f32_one_core", yardstick, 1, Precision::kF32, 0.88, 0.10, 1.15},
    {"yardstick_f32_two_cores", yardstick, 2, Precision::kF32, 0.85, 0, 1.1},
    {"yardstick_bf16_one_core", yardstick, 1, Precision::kBf16, 0.80, 0.18, 1.25},
    {"yardstick_bf16_two_cores", yardstick, 2, Precision::kBf16, 0.80, 0, 1.25, 2},
    {"census_f32_one_core", census, 1, Precision::kF32, 0, 0, 1.5},
    {"census_bf16_one_core", census, 1, Precision::kBf16, 0, 0, 2},
};

struct Options {
  std::vector<std::string> pythons;
  std::string only, skip;
  size_t rounds = 9;
};

struct Spread {
  double low, median, high;  // quartiles
};
Spread spread(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t n = values.size();
  return {values[n / 4], values[n / 2], values[n - 1 - n / 4]};
}

std::string text(const Spread& s, int digits) {
  return fmt::format("{:.{}f} ({:.{}f} to {:.{}f})", s.median, digits, s.low, digits, s.high,
                     digits);
}

// The figure that the script prints last: samples per second of the best way to run that PyTorch; 0
// where it does not run.
double pytorch(const std::string& python, const Case& c, bool bf16) {
  const std::string command = fmt::format("{} bench/step/pytorch.py {} --threads {}{}", python,
                                          c.model().name, c.workers, bf16 ? " --bf16" : "");
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return 0;
  double rate = 0;
  char line[512];
  while (std::fgets(line, sizeof line, pipe) != nullptr)
    if (std::sscanf(line, "samples_per_second %lf", &rate) != 1) fmt::print("  {}", line);
  return pclose(pipe) == 0 ? rate : 0;
}

void print_parts(const StepTimes& t) {
  fmt::print(
      "  of the best round, ms of a worker's thread: {:.2f} in all ({:.2f} on the wall): dedup "
      "{:.2f}, "
      "pull {:.2f}, model {:.2f} of which products {:.2f}, exchange {:.2f}, dense optimizer "
      "{:.2f}, "
      "row optimizer {:.2f}\n",
      1e3 * t.all, 1e3 * t.wall, 1e3 * t.dedup, 1e3 * t.pull, 1e3 * t.model, 1e3 * t.products,
      1e3 * t.exchange, 1e3 * t.dense, 1e3 * t.rows);
}

double seconds(const Case& c, const StepTimes& times) {
  return c.workers == 1 ? times.all : times.wall;
}

// Ours is measured once more, next to PyTorch in time.
void compare(const Case& c, const Options& options, bool bf16, const char* figure, double goal,
             LocalJob& job, size_t steps) {
  double fastest = 0;
  for (const std::string& python : options.pythons)
    fastest = std::max(fastest, pytorch(python, c, bf16));
  if (fastest == 0)
    return gate_skipped(c.gate(figure), ">=", goal,
                        options.pythons.empty() ? "no --pytorch" : "PyTorch did not run");
  const double rate = static_cast<double>(c.workers * c.model().batch) / seconds(c, job.run(steps));
  fmt::print("  PyTorch {:.0f} samples/s, then ours {:.0f}\n", fastest, rate);
  gate(c.gate(figure), rate / fastest, ">=", goal);
}

void measure(const Case& c, const Options& options) {
  const StepModel model = c.model();
  const auto samples = static_cast<double>(model.batch);
  LocalJob job(model, c.workers, c.precision);
  Floor floor(products_of(model, model.batch), c.bf16());
  floor.run(static_cast<int>(c.workers));
  // Half a second of each side in turn, so that both see the machine in the same state.
  const auto clock = c.workers == 1 ? thread_seconds : wall_seconds;
  const double step_seconds = seconds(c, job.run(2));
  const auto steps = static_cast<size_t>(std::max(3.0, 0.5 / step_seconds));

  std::vector<double> rates, floors, ratios, shares;
  StepTimes best;
  for (size_t round = 0; round < options.rounds; ++round) {
    const StepTimes times = job.run(steps);
    const double start = clock();
    for (size_t i = 0; i < steps; ++i) floor.run(static_cast<int>(c.workers));
    const double floor_seconds = (clock() - start) / static_cast<double>(steps);
    rates.push_back(static_cast<double>(c.workers) * samples / seconds(c, times));
    floors.push_back(samples / floor_seconds);
    ratios.push_back(rates.back() / floors.back());
    shares.push_back(1.0 - times.products / times.all);
    if (best.all == 0 || seconds(c, times) < seconds(c, best)) best = times;
  }
  fmt::print("{}: {} samples/s; products alone {}; ratio {}; not products {}\n", c.name,
             text(spread(rates), 0), text(spread(floors), 0), text(spread(ratios), 3),
             text(spread(shares), 3));
  print_parts(best);
  figure(c.name, spread(rates).median, "samples/s");
  if (c.of_floor > 0) gate(c.gate("of_floor"), spread(ratios).median, ">=", c.of_floor);
  if (c.not_products > 0) gate(c.gate("not_products"), spread(shares).median, "<=", c.not_products);

  if (c.of_pytorch > 0) compare(c, options, c.bf16(), "of_pytorch", c.of_pytorch, job, 2 * steps);
  if (c.of_pytorch_f32 > 0)
    compare(c, options, false, "of_pytorch_f32", c.of_pytorch_f32, job, 2 * steps);
}

void skip(const Case& c, const std::string& why) {
  const std::tuple<const char*, const char*, double> goals[] = {
      {"of_floor", ">=", c.of_floor},
      {"not_products", "<=", c.not_products},
      {"of_pytorch", ">=", c.of_pytorch},
      {"of_pytorch_f32", ">=", c.of_pytorch_f32}};
  for (const auto& [figure, bound, goal] : goals)
    if (goal > 0) gate_skipped(c.gate(figure), bound, goal, why);
}

bool parse(int argc, char** argv, Options& options) {
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--long") continue;  // of other benchmarks
    if (i + 1 == argc) return false;
    const std::string value = argv[++i];
    if (flag == "--pytorch")
      options.pythons.push_back(value);
    else if (flag == "--only")
      options.only = value;
    else if (flag == "--skip")
      options.skip = value;
    else if (flag == "--rounds")
      options.rounds = std::max<size_t>(1, std::strtoul(value.c_str(), nullptr, 10));
    else
      return false;
  }
  return true;
}

int run(const Options& options) {
  bool found = options.only.empty();
  // Empty: the case is measured.
  const auto why_not = [&](const char* name) -> std::string {
    if (!options.skip.empty()) return options.skip;
    if (!options.only.empty() && options.only != name) return "not asked for";
    found = true;
    return "";
  };
  for (const Case& c : kCases) {
    if (const std::string why = why_not(c.name); !why.empty())
      skip(c, why);
    else
      measure(c, options);
  }
  for (const char* name : kServedCases) {
    if (const std::string why = why_not(name); !why.empty())
      skip_served(name, why);
    else
      measure_served(name, options.rounds);
  }
  if (!found && options.skip.empty()) fmt::print(stderr, "no case '{}'\n", options.only);
  return found || !options.skip.empty() ? 0 : 2;
}

}  // namespace
}  // namespace cairn::step

int main(int argc, char** argv) {
  cairn::step::Options options;
  if (!cairn::step::parse(argc, argv, options)) {
    fmt::print(stderr, "usage: {} [--pytorch PYTHON]... [--only CASE] [--rounds N]\n", argv[0]);
    return 2;
  }
  return cairn::step::run(options);
}
