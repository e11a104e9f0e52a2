// Batches straight from the readers of one worker: what Dataset::start makes. Private to
// worker/data.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "worker/data/batch_source.h"
#include "worker/data/csv/fields.h"
#include "worker/data/dataset.h"
#include "worker/data/reader_order.h"
#include "worker/features/dedup.h"
#include "worker/features/sample_parser.h"

namespace cairn {

// Lines to rows of a dataset. Thread safety: none.
class SampleReader {
 public:
  SampleReader(const Dataset& dataset, std::span<const Moments> moments);

  // False for a bad sample; reason() then says why.
  bool read(const Line& line, SampleSet& rows);
  const std::string& reason() const { return reason_; }
  std::span<const SampleParser::StandardInput> standard_inputs() const {
    return parser_.standard_inputs();
  }

 private:
  const Dataset& dataset_;
  FieldSplitter splitter_;
  SampleParser parser_;
  std::string reason_;
};

class ReaderSource final : public BatchSource {
 public:
  static Result<std::unique_ptr<BatchSource>> make(const Dataset& dataset,
                                                   const Dataset::Start& start,
                                                   std::span<const Moments> moments);
  Result<Batch> next() override;

 private:
  ReaderSource(const Dataset& dataset, uint64_t batch_size, std::span<const Moments> moments);
  Status read_share(LineReader& reader, uint64_t share, Batch& batch);
  Status note_bad_sample(const Line& line);
  void dedup(Batch& batch);

  const Dataset& dataset_;
  uint64_t batch_size_;
  uint32_t first_reader_ = 0;
  std::vector<LineReader> readers_;
  SampleReader rows_;
  SampleSet read_;  // the batch before dedup
  Deduplicator deduplicator_;
  uint64_t bad_samples_ = 0;
};

}  // namespace cairn
