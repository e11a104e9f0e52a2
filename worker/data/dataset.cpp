#include "worker/data/dataset.h"

#include <fmt/format.h>

#include <utility>

#include "common/check.h"
#include "common/stream_hash.h"
#include "worker/data/reader_source.h"
#include "worker/features/sample_parser.h"

namespace cairn::data {

Result<std::unique_ptr<Dataset>> Dataset::open(const JobConfig& job, Split split,
                                               const std::vector<std::string>& files) {
  Result<features::Plan> plan = features::Plan::make(job, /*labels=*/split != Split::kPredict);
  if (!plan.ok()) return plan.error();
  check(job.data.readers > 0, "data.readers is checked with the job file");

  std::unique_ptr<Dataset> dataset(new Dataset);
  dataset->plan_ = std::move(plan).value();
  dataset->shuffle_ = split == Split::kTrain && job.data.shuffle;
  dataset->seed_ = job.train.seed;
  dataset->readers_ = job.data.readers;
  dataset->max_bad_samples_ = job.data.max_bad_samples;
  const std::vector<std::string>& named = split == Split::kTrain ? job.data.train : job.data.eval;
  Result<std::unique_ptr<Source>> source =
      open_source({.data = job.data,
                   .paths = files.empty() ? named : files,
                   .cache = job.data.cache.empty() ? job.output + "/cache" : job.data.cache,
                   .columns = dataset->plan_.columns,
                   .readers = job.data.readers});
  if (!source.ok()) return source.error();
  dataset->source_ = std::move(source).value();
  dataset->samples_estimate_ = dataset->source_->samples_estimate();
  if (dataset->samples_estimate_ == 0)
    return Error{ErrorCode::kBadData, fmt::format("{}: has no samples", dataset->source_->name())};
  return dataset;
}

std::string Dataset::order_fingerprint() const {
  std::vector<uint64_t> words = {seed_, shuffle_, readers_};
  const std::vector<uint64_t> of_source = source_->order_words();
  words.insert(words.end(), of_source.begin(), of_source.end());
  return to_hex(hash_bytes(words.data(), words.size() * sizeof(uint64_t), 0));
}

DataShape Dataset::shape() const {
  DataShape shape;
  shape.dense_columns = static_cast<uint32_t>(plan_.numbers.size());
  for (const features::FeaturePlan& feature : plan_.ids) shape.bag_tables.push_back(feature.table);
  return shape;
}

// Read in the order of the input whatever the seed, so that a resumed or repeated job has the same
// statistics.
std::vector<features::Moments> Dataset::moments_of(uint32_t first, uint32_t last) const {
  check(first <= last && last <= readers_, "a range of the readers");
  const size_t features = plan_.standardized.size();
  std::vector<features::Moments> partials((last - first) * features);
  if (features == 0) return partials;
  const OrderKey in_order_of_input;
  std::vector<OwnBlocks> dealt = deal_blocks(source_->blocks(), readers_, in_order_of_input);
  features::SampleParser parser(plan_, {});
  features::SampleSet samples;
  for (uint32_t v = first; v < last; ++v) {
    const std::unique_ptr<RecordStream> stream = source_->read(std::move(dealt[v]));
    for (features::Record record;;) {
      // A stream that cannot go on ends the job when its batches are read.
      const Result<RecordStream::Read> read = stream->next(record);
      if (!read.ok() || read.value() == RecordStream::Read::kEnd) break;
      samples.clear(plan_.ids.size());
      if (read.value() == RecordStream::Read::kBad || !parser.parse(record, samples)) continue;
      for (size_t f = 0; f < features; ++f)
        if (const auto& input = parser.standard_inputs()[f]; input.present)
          partials[(v - first) * features + f].add(input.value);
    }
  }
  return partials;
}

Result<std::unique_ptr<BatchSource>> Dataset::start(const Start& start,
                                                    const features::Statistics& statistics) const {
  if (start.batch_size < readers_)
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("a batch of {} samples is less than the {} virtual readers; raise the "
                             "batch size or lower data.readers",
                             start.batch_size, readers_)};
  if (start.workers == 0 || start.workers > readers_ || start.worker >= start.workers)
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} workers on {} virtual readers; raise data.readers", start.workers,
                             readers_)};
  std::vector<features::Moments> moments;
  for (const std::string& name : plan_.standardized) {
    const auto found = statistics.features.find(name);
    if (found == statistics.features.end())
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("no statistics of the standardized feature '{}'", name)};
    moments.push_back(found->second);
  }
  return ReaderSource::make(*this, start, moments);
}

}  // namespace cairn::data
