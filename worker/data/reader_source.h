// Batches straight from the readers of one worker: what Dataset::start makes. Private to
// worker/data.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "worker/data/batch_source.h"
#include "worker/data/dataset.h"
#include "worker/data/source.h"
#include "worker/features/dedup.h"
#include "worker/features/sample_parser.h"

namespace cairn::data {

class ReaderSource final : public BatchSource {
 public:
  static Result<std::unique_ptr<BatchSource>> make(const Dataset& dataset,
                                                   const Dataset::Start& start,
                                                   std::span<const features::Moments> moments);
  Result<features::Batch> next() override;

 private:
  ReaderSource(const Dataset& dataset, uint64_t batch_size,
               std::span<const features::Moments> moments);
  Status read_share(RecordStream& reader, uint64_t share, features::Batch& batch);
  Status note_bad_sample(uint64_t sample_id, const std::string& reason);
  void dedup(features::Batch& batch);

  const Dataset& dataset_;
  uint64_t batch_size_;
  uint32_t first_reader_ = 0;
  std::vector<std::unique_ptr<RecordStream>> readers_;
  features::SampleParser parser_;
  features::SampleSet read_;  // the batch before dedup
  features::Deduplicator deduplicator_;
  uint64_t bad_samples_ = 0;
};

}  // namespace cairn::data
