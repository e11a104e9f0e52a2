#include "bench/step/served_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "bench/gate.h"
#include "bench/step/local_job.h"
#include "bench/step/served_job.h"

namespace cairn::step {
namespace {

constexpr double kGoal = 0.85;
constexpr size_t kWarm = 24, kSteps = 64;

struct Local {
  double samples_per_second, samples_per_cpu_second;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

void measure_served(const std::string& name, size_t rounds) {
  const StepModel model = yardstick();
  const size_t workers = name == kServedCases[0] ? 1 : 2;
  LocalJob local(model, workers, Precision::kF32);
  const ServedJob served(model, workers);
  const auto run_local = [&] {
    const StepTimes times = local.run(20);
    const auto samples = static_cast<double>(model.batch);
    return Local{static_cast<double>(workers) * samples / times.wall, samples / times.all};
  };

  std::vector<double> wall, cpu;
  Local before = run_local();
  for (size_t round = 0; round < std::clamp<size_t>(rounds / 3, 1, 3); ++round) {
    const auto rates = served.run(kWarm, kSteps);
    if (!rates) return skip_served(name, "the job failed");
    const Local after = run_local();
    fmt::print(
        "{}: {:.0f} samples/s, local rows {:.0f} before and {:.0f} after; for a second of a "
        "processor {:.0f}, local rows {:.0f} and {:.0f}\n",
        name, rates->samples_per_second, before.samples_per_second, after.samples_per_second,
        rates->samples_per_cpu_second, before.samples_per_cpu_second, after.samples_per_cpu_second);
    wall.push_back(2 * rates->samples_per_second /
                   (before.samples_per_second + after.samples_per_second));
    cpu.push_back(2 * rates->samples_per_cpu_second /
                  (before.samples_per_cpu_second + after.samples_per_cpu_second));
    before = after;
  }
  gate(name + "_wall", median(wall), ">=", kGoal);
  gate(name + "_cpu", median(cpu), ">=", kGoal);
}

void skip_served(const std::string& name, const std::string& why) {
  for (const char* figure : {"_wall", "_cpu"}) gate_skipped(name + figure, ">=", kGoal, why);
}

}  // namespace cairn::step
