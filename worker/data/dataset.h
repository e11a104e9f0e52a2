// The samples of a job's training, evaluation or prediction input: opened once by each worker, read
// many times.
//
//   auto dataset = Dataset::open(job, Split::kTrain);
//   auto partials = dataset->moments_of(mine.first, mine.last);
//   Statistics statistics = dataset->merge(all_partials);  // all-gathered over workers, in order
//   auto source = dataset->start({.epoch = 0, .worker = w, .workers = W, .batch_size = B},
//                                statistics);
//   while (...) { Result<Batch> batch = source->next(); ... }
//
// It stands on a Source of records (worker/data/source.h), chosen by data.format.
//
// Thread safety: const, so any number of sources may run on any threads at once.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/config/job.h"
#include "common/result.h"
#include "worker/data/batch_source.h"
#include "worker/data/reader_order.h"
#include "worker/data/source.h"
#include "worker/features/feature_plan.h"
#include "worker/features/statistics.h"

namespace cairn::data {

// The candidates of retrieval become a split here: files of their own, in file order, without
// labels, as kPredict reads them. It waits for the job key that names the files.
enum class Split : uint8_t {
  kTrain,    // data.train, shuffled where data.shuffle says so
  kEval,     // data.eval, in file order
  kPredict,  // data.eval, in file order, without labels: Batch::labels stays empty
};

// Sizes that the model is built for.
struct DataShape {
  uint32_t dense_columns = 0;
  std::vector<uint32_t> bag_tables;  // of each id feature in the job's order: its table
};

class Dataset {
 public:
  // `files`, where not empty, are read instead of those that the job names. Compressed ones are
  // decoded into data.cache first. Errors, each naming the file: kNotFound; kBadData for an empty,
  // unreadable or damaged file, a directory, a column that is not there; kInvalidArgument where the
  // job's features cannot be computed; kUnavailable where the cache cannot be written.
  static Result<std::unique_ptr<Dataset>> open(const JobConfig& job, Split split,
                                               const std::vector<std::string>& files = {});

  DataShape shape() const;
  uint32_t readers() const { return readers_; }
  uint64_t samples_estimate() const { return samples_estimate_; }  // for progress

  // The inputs of the order of samples, besides the epoch: seed, shuffling, readers and the
  // source's order_words. Where it differs, ReaderPositions mean other samples.
  std::string order_fingerprint() const;

  bool needs_statistics() const { return !plan_.standardized.empty(); }

  // The moments of virtual readers [first, last), for each standardized feature: [readers,
  // features]. Bad samples are passed over quietly, missing values do not count. Empty where
  // nothing is standardized.
  std::vector<features::Moments> moments_of(uint32_t first, uint32_t last) const;

  // `partials`: of all readers, in order. The same bits whoever computed which.
  features::Statistics merge(std::span<const features::Moments> partials) const {
    return features::merge_statistics(plan_.standardized, partials);
  }

  struct Start {
    uint64_t epoch = 0;
    uint32_t worker = 0, workers = 1;
    uint64_t batch_size = 0;  // of all workers together; at least data.readers
    // Where to go on: of all V readers; empty: at the beginning.
    std::span<const features::ReaderPosition> positions = {};
  };

  // `this` outlives the source. Errors: kInvalidArgument (batch size, workers or statistics that
  // lack a feature), kBadData (positions that this input does not have).
  Result<std::unique_ptr<BatchSource>> start(const Start& start,
                                             const features::Statistics& statistics) const;

 private:
  friend class ReaderSource;

  Dataset() = default;
  OrderKey order_of(uint64_t epoch) const { return {shuffle_, seed_, epoch}; }

  features::Plan plan_;
  bool shuffle_ = false;
  uint64_t seed_ = 0;
  uint32_t readers_ = 1;
  uint64_t max_bad_samples_ = 0;
  uint64_t samples_estimate_ = 0;
  std::unique_ptr<Source> source_;
  mutable std::atomic<uint32_t> bad_samples_logged_ = 0;
};

}  // namespace cairn::data
