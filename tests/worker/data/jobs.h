// Small jobs for the tests of data, and short ways through a dataset.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "worker/data/dataset.h"

namespace cairn::data {

inline FeatureConfig feature(std::string name, std::vector<Transform> transforms = {}) {
  FeatureConfig config;
  config.name = name;
  config.columns = {name};
  config.transforms = std::move(transforms);
  config.table = std::move(name);
  return config;
}

// Adds a table for each id feature that has none yet.
inline void add_tables(JobConfig& job) {
  for (const FeatureConfig& f : job.features) {
    if (!f.is_id()) continue;
    bool known = false;
    for (const TableConfig& table : job.tables) known = known || table.name == f.table;
    if (known) continue;
    TableConfig table;
    table.name = f.table;
    job.tables.push_back(table);
  }
}

// Reads `train` as CSV with a header; the one task is column "y".
inline JobConfig csv_job(std::vector<std::string> train, std::vector<FeatureConfig> features) {
  JobConfig job;
  job.data.train = std::move(train);
  job.data.eval = job.data.train;
  job.data.readers = 4;
  job.features = std::move(features);
  TaskConfig task;
  task.name = task.column = "y";
  job.model.tasks = {task};
  add_tables(job);
  return job;
}

inline std::unique_ptr<Dataset> open_or_fail(const JobConfig& job, Split split = Split::kTrain) {
  Result<std::unique_ptr<Dataset>> dataset = Dataset::open(job, split);
  if (!dataset.ok()) ADD_FAILURE() << dataset.error().message;
  return dataset.ok() ? std::move(dataset).value() : nullptr;
}

inline std::unique_ptr<BatchSource> start_or_fail(const Dataset& dataset,
                                                  const Dataset::Start& start,
                                                  const features::Statistics& statistics = {}) {
  Result<std::unique_ptr<BatchSource>> source = dataset.start(start, statistics);
  if (!source.ok()) ADD_FAILURE() << source.error().message;
  return source.ok() ? std::move(source).value() : nullptr;
}

inline features::Batch next_or_fail(BatchSource& source) {
  Result<features::Batch> batch = source.next();
  if (!batch.ok()) ADD_FAILURE() << batch.error().message;
  return batch.ok() ? std::move(batch).value() : features::Batch{};
}

// All samples of the input as one batch, in file order, by one worker.
inline features::Batch read_all(const JobConfig& job, const features::Statistics& statistics = {}) {
  const std::unique_ptr<Dataset> dataset = open_or_fail(job, Split::kEval);
  if (!dataset) return {};
  const auto source = start_or_fail(*dataset, {.batch_size = 1 << 20}, statistics);
  return source ? next_or_fail(*source) : features::Batch{};
}

// The keys of one sample of one bag.
inline std::vector<Key> keys_of(const features::Batch& batch, size_t bag, size_t table,
                                size_t sample) {
  std::vector<Key> keys;
  const features::Bag& b = batch.bags[bag];
  for (uint32_t i = b.offsets[sample]; i < b.offsets[sample + 1]; ++i)
    keys.push_back(batch.keys[table][b.index[i]]);
  return keys;
}

}  // namespace cairn::data
