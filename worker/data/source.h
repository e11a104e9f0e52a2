// The input of a job: samples in blocks, as records. CSV files today; Parquet, Kafka and others
// come to stand beside them. An HTTP request needs no source: it is a Record by itself.
//
// To add a source of records: a class here in a folder of its own (worker/data/csv/csv_source.h is
// the example), its word in DataFormat (common/config/data_config.h, words.h) and a line in the
// table of worker/data/sources.cpp. Formats of text lines share worker/data/text/. The order of
// samples is made for all sources in worker/data/reader_order.h.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/config/data_config.h"
#include "common/result.h"
#include "worker/data/reader_order.h"
#include "worker/features/batch.h"
#include "worker/features/record.h"

namespace cairn::data {

// The input to open.
struct SourceRequest {
  const DataConfig& data;                // format, header, names of columns
  std::vector<std::string> paths;        // instead of those that `data` names
  std::string cache;                     // folder for what has to be decoded first
  std::span<const std::string> columns;  // wanted; column i of the records is columns[i]
  uint32_t readers;                      // V
};

// The records of one virtual reader in one epoch. Thread safety: none.
class RecordStream {
 public:
  enum class Read : uint8_t {
    kRecord,
    kBad,  // not a record; reason() says why
    kEnd,  // now and ever after
  };

  virtual ~RecordStream() = default;

  // Goes to where `position()` once was, of any stream of the same input, blocks and order. False
  // if there is no such place.
  virtual bool seek(features::ReaderPosition position) = 0;

  // The next sample. `record` is valid until the next call; of a bad one only its sample_id.
  // Errors: the input cannot be read any further; the job ends.
  virtual Result<Read> next(features::Record& record) = 0;

  // Behind the last sample read, good or bad.
  virtual features::ReaderPosition position() const = 0;

  virtual const std::string& reason() const = 0;
};

// Thread safety: const, so any number of streams may be read on any threads at once.
class Source {
 public:
  virtual ~Source() = default;

  // As many for each of the V readers, and at least kBlocksPerReader each, as far as the input can
  // be cut: then all readers end within a step or two of each other. Numbered in the order of the
  // input.
  virtual uint32_t blocks() const = 0;

  // The samples of `own`, in its order. `this` outlives the stream.
  virtual std::unique_ptr<RecordStream> read(OwnBlocks own) const = 0;

  // For progress. 0: there are no samples.
  virtual uint64_t samples_estimate() const = 0;

  // Numbers that decide which samples a ReaderPosition means, such as the sizes of the files.
  virtual std::vector<uint64_t> order_words() const = 0;

  // For messages: the input as a whole, and the place of a sample as a user finds it
  // ("file:line"). The latter may read the input up to there.
  virtual std::string name() const = 0;
  virtual std::string place_of(uint64_t sample_id) const = 0;
};

// By data.format. Errors, each naming the input: kNotFound; kBadData for what is empty, unreadable
// or damaged, a directory, a column that is not there or there twice; kInvalidArgument where
// nothing is named; kUnavailable where the cache cannot be written.
Result<std::unique_ptr<Source>> open_source(const SourceRequest& request);

}  // namespace cairn::data
