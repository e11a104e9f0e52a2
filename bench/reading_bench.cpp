// Reading and transforming the Criteo layout: parsing, hashing, log1p, standardizing, deduplicating
// keys. One thread, 4,096 samples per batch, the file in the page cache.

#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "bench/gate.h"
#include "worker/data/dataset.h"
#include "worker/synthetic/generator.h"

namespace cairn {
namespace {

constexpr uint64_t kSamples = 200'000;

JobConfig criteo_job(const std::filesystem::path& folder, const std::string& suffix) {
  synthetic::GeneratorOptions options;
  options.layout = synthetic::LogLayout::kCriteo;
  options.train_path = folder / ("train.tsv" + suffix);
  options.eval_path = folder / "eval.tsv";
  options.train_samples = kSamples;
  options.eval_samples = 1000;
  check(synthetic::generate(options).ok(), "generating a click log");

  JobConfig job;
  job.data.format = DataFormat::kCriteo;
  job.data.header = false;
  job.data.train = {options.train_path};
  job.data.cache = folder / "cache";
  job.data.columns = {"label"};
  for (int i = 1; i <= 13; ++i) {
    const std::string name = fmt::format("I{}", i);
    job.data.columns.push_back(name);
    job.features.push_back({.name = name,
                            .columns = {name},
                            .transforms = {Transform::kLog1p, Transform::kStandardize}});
  }
  for (int i = 1; i <= 26; ++i) {
    const std::string name = fmt::format("C{}", i);
    job.data.columns.push_back(name);
    job.features.push_back(
        {.name = name, .columns = {name}, .transforms = {Transform::kHash}, .table = name});
    job.tables.push_back({.name = name});
  }
  job.model.tasks = {{.name = "click", .column = "label"}};
  return job;
}

double best_samples_per_second = 0;

void read_criteo(benchmark::State& state, const std::string& suffix) {
  const std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("cairn-reading-bench" + suffix);
  const JobConfig job = criteo_job(folder, suffix);
  const auto dataset = data::Dataset::open(job, data::Split::kTrain);
  check(dataset.ok(), dataset.ok() ? "" : dataset.error().message);
  const features::Statistics statistics =
      dataset.value()->merge(dataset.value()->moments_of(0, job.data.readers));
  double seconds = 0;
  for (auto _ : state) {
    const auto start = std::chrono::steady_clock::now();
    auto source = dataset.value()->start({.batch_size = 4096}, statistics);
    check(source.ok(), "starting to read");
    uint64_t samples = 0;
    for (;;) {
      const Result<features::Batch> batch = source.value()->next();
      check(batch.ok(), "reading");
      if (batch.value().samples == 0) break;
      samples += batch.value().samples;
    }
    check(samples == kSamples, "every sample comes once");
    seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (suffix.empty())
      best_samples_per_second =
          std::max(best_samples_per_second, static_cast<double>(samples) / seconds);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * kSamples));
  std::filesystem::remove_all(folder);
}
BENCHMARK_CAPTURE(read_criteo, plain, std::string())->Unit(benchmark::kMillisecond)->MinTime(2);
BENCHMARK_CAPTURE(read_criteo, decoded_from_gzip, std::string(".gz"))
    ->Unit(benchmark::kMillisecond)
    ->MinTime(1);

}  // namespace
}  // namespace cairn

int main(int argc, char** argv) {
  constexpr const char* kGoal = "criteo_samples_per_second";
  constexpr double kSamplesPerSecond = 500'000;
  if (argc > 2 && std::string(argv[1]) == "--skip") {  // --skip WHY: nothing is measured
    cairn::gate_skipped(kGoal, ">=", kSamplesPerSecond, argv[2]);
    return 0;
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  cairn::figure("read_criteo plain", cairn::best_samples_per_second, "samples/s");
  cairn::gate(kGoal, cairn::best_samples_per_second, ">=", kSamplesPerSecond);
}
