#include "bench/step/served_job.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/check.h"
#include "common/random.h"

namespace cairn::step {
namespace {

constexpr size_t kReportEvery = 4;  // steps
// Its keys reach four fifths of the yardstick's rows.
constexpr size_t kRowsOfFile = 65'536;

void write_data(const StepModel& model, const std::filesystem::path& path) {
  std::string text;
  const auto name = [&](const char* kind, size_t i) { text += fmt::format("{}{},", kind, i + 1); };
  for (size_t i = 0; i < model.shape.bags.size(); ++i) name("C", i);
  for (size_t i = 0; i < model.shape.dense_columns; ++i) name("I", i);
  text += "first,second\n";
  RandomStream random(1, 0);
  for (size_t row = 0; row < kRowsOfFile; ++row) {
    for (size_t i = 0; i < model.shape.bags.size(); ++i)
      text += fmt::format("{},", random.next_below(model.table_rows[0]));
    for (size_t i = 0; i < model.shape.dense_columns; ++i)
      text += fmt::format("{:.6f},", random.next_float());
    text += fmt::format("{},{}\n", random.next_below(2), random.next_below(2));
  }
  std::ofstream(path) << text;
}

void write_job(const StepModel& model, size_t workers, const std::filesystem::path& folder) {
  const ModelConfig& config = model.config;
  std::ofstream(folder / "job.yaml") << fmt::format(
      R"(output: {0}/run
data: {{train: {0}/train.csv}}
features:
  - {{names: C1..C{1}, transform: integer, table: ids}}
  - {{names: I1..I{2}}}
model:
  cross: {{layers: {3}}}
  deep: {{units: [{4}]}}
  head: {{type: mmoe, experts: {5}, units: [{6}], tower_units: [{7}]}}
  tasks: [{{name: first, label: first}}, {{name: second, label: second}}]
train: {{workers: {8}, batch_size: {9}, epochs: 1000, report_every: {10}}}
ps:
  servers: 1
  shards_per_server: 1
  dim: {11}
  optimizer: {{type: {12}, learning_rate: {13}}}
)",
      folder.string(), model.shape.bags.size(), model.shape.dense_columns, config.cross_layers,
      fmt::join(config.deep_units, ", "), config.experts, fmt::join(config.expert_units, ", "),
      fmt::join(config.tower_units, ", "), workers, workers * model.batch, kReportEvery,
      model.shape.table_dims[0], model.row_optimizer.name, model.row_optimizer.learning_rate);
}

double cpu_seconds_of_children() {
  rusage usage;
  getrusage(RUSAGE_CHILDREN, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

ServedJob::ServedJob(const StepModel& model, size_t workers)
    : batch_(workers * model.batch), folder_("runs/bench-step") {
  check(model.table_rows.size() == 1, "a served job has one table");
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(folder_);
  write_data(model, folder_ / "train.csv");
  write_job(model, workers, folder_);
}

ServedJob::~ServedJob() { std::filesystem::remove_all(folder_); }

std::optional<ServedJob::Rates> ServedJob::run(size_t warm, size_t steps) const {
  const std::optional<Run> before = train(warm, 0), whole = train(warm + steps, warm);
  if (!before || !whole) return std::nullopt;
  return Rates{whole->samples_per_second,
               static_cast<double>(steps * batch_) / (whole->cpu_seconds - before->cpu_seconds)};
}

std::optional<ServedJob::Run> ServedJob::train(size_t steps, size_t warm) const {
  const std::filesystem::path output = folder_ / "run";
  std::filesystem::remove_all(output);
  const double before = cpu_seconds_of_children();
  const std::string command = fmt::format("{} train {} --set train.max_steps={} >/dev/null",
                                          CAIRN_PROGRAM, (folder_ / "job.yaml").string(), steps);
  if (std::system(command.c_str()) != 0) return std::nullopt;
  const double cpu_seconds = cpu_seconds_of_children() - before;

  std::ifstream file(output / "metrics.jsonl");
  std::vector<double> rates;
  for (std::string line; std::getline(file, line);) {
    const auto report = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (report.is_object() && report.value("kind", "") == "train" &&
        report.value("step", size_t{0}) > warm)
      rates.push_back(report.value("samples_per_second", 0.0));
  }
  if (rates.empty()) return std::nullopt;
  std::ranges::sort(rates);
  return Run{cpu_seconds, rates[rates.size() / 2]};
}

}  // namespace cairn::step
