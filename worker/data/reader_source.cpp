#include "worker/data/reader_source.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace cairn {
namespace {

constexpr uint32_t kBadSamplesLogged = 5;  // of a dataset, all epochs together

}  // namespace

SampleReader::SampleReader(const Dataset& dataset, std::span<const Moments> moments)
    : dataset_(dataset),
      splitter_(dataset.separator_, dataset.quotes_),
      parser_(dataset.plan_, moments) {}

bool SampleReader::read(const Line& line, SampleSet& rows) {
  if (line.bytes > kLineBytesMax) {
    reason_ = fmt::format("the line is longer than {} bytes", kLineBytesMax);
    return false;
  }
  const Dataset::FileColumns& columns = dataset_.columns_[line.file];
  if (!splitter_.split(dataset_.files_[line.file].data().substr(line.offset, line.bytes))) {
    reason_ = fmt::format("the line {}", splitter_.reason());
    return false;
  }
  if (splitter_.fields().size() != columns.fields) {
    reason_ = fmt::format("has {} fields, want {}", splitter_.fields().size(), columns.fields);
    return false;
  }
  if (parser_.parse(splitter_.fields(), columns.places, rows)) return true;
  reason_ = parser_.reason();
  return false;
}

ReaderSource::ReaderSource(const Dataset& dataset, uint64_t batch_size,
                           std::span<const Moments> moments)
    : dataset_(dataset), batch_size_(batch_size), rows_(dataset, moments) {}

Result<std::unique_ptr<BatchSource>> ReaderSource::make(const Dataset& dataset,
                                                        const Dataset::Start& start,
                                                        std::span<const Moments> moments) {
  const OrderKey order = dataset.order_of(start.epoch);
  std::vector<std::vector<uint32_t>> dealt =
      deal_blocks(static_cast<uint32_t>(dataset.blocks_.size()), dataset.readers_, order);
  const auto elsewhere = [&] {
    return Error{ErrorCode::kBadData,
                 fmt::format("{} and what follows: not the input that the cursor was kept for",
                             dataset.files_[0].name)};
  };
  if (!start.positions.empty() && start.positions.size() != dataset.readers_) return elsewhere();

  std::unique_ptr<ReaderSource> source(new ReaderSource(dataset, start.batch_size, moments));
  const ReaderRange own = readers_of(start.worker, start.workers, dataset.readers_);
  source->first_reader_ = own.first;
  for (uint32_t v = own.first; v < own.last; ++v) {
    LineReader& reader = source->readers_.emplace_back(dataset.files_, dataset.blocks_,
                                                       std::move(dealt[v]), v, order);
    if (!start.positions.empty() && !reader.seek(start.positions[v])) return elsewhere();
  }
  return std::unique_ptr<BatchSource>(std::move(source));
}

Result<Batch> ReaderSource::next() {
  Batch batch;
  read_.clear(dataset_.plan_.ids.size());
  for (size_t i = 0; i < readers_.size(); ++i) {
    const uint32_t v = first_reader_ + static_cast<uint32_t>(i);
    const Status read = read_share(readers_[i], share_of(v, dataset_.readers_, batch_size_), batch);
    if (!read.ok()) return read.error();
    batch.positions.push_back(readers_[i].position());
  }
  batch.samples = read_.samples;
  batch.dense = read_.dense;
  batch.labels = read_.labels;
  batch.weights = read_.weights;
  batch.bad_samples = bad_samples_;
  dedup(batch);
  return batch;
}

Status ReaderSource::read_share(LineReader& reader, uint64_t share, Batch& batch) {
  while (share > 0) {
    const Line* line = reader.next();
    if (line == nullptr) break;
    if (rows_.read(*line, read_)) {
      batch.sample_ids.push_back(dataset_.files_[line->file].start + line->offset);
      --share;
      continue;
    }
    const Status noted = note_bad_sample(*line);
    if (!noted.ok()) return noted.error();
  }
  return Ok{};
}

Status ReaderSource::note_bad_sample(const Line& line) {
  ++bad_samples_;
  const InputFile& file = dataset_.files_[line.file];
  if (dataset_.bad_samples_logged_.fetch_add(1) < kBadSamplesLogged)
    spdlog::warn("bad sample skipped: {}: {}", place_of(file, line.offset), rows_.reason());
  if (bad_samples_ <= dataset_.max_bad_samples_) return Ok{};
  return Error{ErrorCode::kBadData,
               fmt::format("more than {} bad samples (data.max_bad_samples); the last is {}: {}",
                           dataset_.max_bad_samples_, place_of(file, line.offset), rows_.reason())};
}

void ReaderSource::dedup(Batch& batch) {
  const std::vector<FeaturePlan>& features = dataset_.plan_.ids;
  batch.bags.resize(features.size());
  batch.keys.resize(dataset_.plan_.tables);
  for (uint32_t table = 0; table < dataset_.plan_.tables; ++table) {
    size_t occurrences = 0;
    for (size_t i = 0; i < features.size(); ++i)
      if (features[i].table == table) occurrences += read_.bags[i].keys.size();
    deduplicator_.begin(occurrences);
    for (size_t i = 0; i < features.size(); ++i) {
      if (features[i].table != table) continue;
      batch.bags[i].offsets = read_.bags[i].offsets;
      batch.bags[i].index.resize(read_.bags[i].keys.size());
      deduplicator_.add(read_.bags[i].keys, batch.bags[i].index);
    }
    deduplicator_.finish(batch.keys[table]);
    for (size_t i = 0; i < features.size(); ++i)
      if (features[i].table == table) deduplicator_.rank(batch.bags[i].index);
  }
}

}  // namespace cairn
