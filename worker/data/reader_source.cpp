#include "worker/data/reader_source.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

namespace cairn::data {
namespace {

constexpr uint32_t kBadSamplesLogged = 5;  // of a dataset, all epochs together

}  // namespace

ReaderSource::ReaderSource(const Dataset& dataset, uint64_t batch_size,
                           std::span<const features::Moments> moments)
    : dataset_(dataset), batch_size_(batch_size), parser_(dataset.plan_, moments) {}

Result<std::unique_ptr<BatchSource>> ReaderSource::make(
    const Dataset& dataset, const Dataset::Start& start,
    std::span<const features::Moments> moments) {
  std::vector<OwnBlocks> dealt =
      deal_blocks(dataset.source_->blocks(), dataset.readers_, dataset.order_of(start.epoch));
  const auto elsewhere = [&] {
    return Error{ErrorCode::kBadData, fmt::format("{}: not the input that the cursor was kept for",
                                                  dataset.source_->name())};
  };
  if (!start.positions.empty() && start.positions.size() != dataset.readers_) return elsewhere();

  std::unique_ptr<ReaderSource> source(new ReaderSource(dataset, start.batch_size, moments));
  const ReaderRange own = readers_of(start.worker, start.workers, dataset.readers_);
  source->first_reader_ = own.first;
  for (uint32_t v = own.first; v < own.last; ++v) {
    RecordStream& reader =
        *source->readers_.emplace_back(dataset.source_->read(std::move(dealt[v])));
    if (!start.positions.empty() && !reader.seek(start.positions[v])) return elsewhere();
  }
  return std::unique_ptr<BatchSource>(std::move(source));
}

Result<features::Batch> ReaderSource::next() {
  features::Batch batch;
  read_.clear(dataset_.plan_.ids.size());
  for (size_t i = 0; i < readers_.size(); ++i) {
    const uint32_t v = first_reader_ + static_cast<uint32_t>(i);
    const Status read =
        read_share(*readers_[i], share_of(v, dataset_.readers_, batch_size_), batch);
    if (!read.ok()) return read.error();
    batch.positions.push_back(readers_[i]->position());
  }
  batch.samples = read_.samples;
  batch.dense = read_.dense;
  batch.labels = read_.labels;
  batch.weights = read_.weights;
  batch.bad_samples = bad_samples_;
  dedup(batch);
  return batch;
}

Status ReaderSource::read_share(RecordStream& reader, uint64_t share, features::Batch& batch) {
  for (features::Record record; share > 0;) {
    const Result<RecordStream::Read> read = reader.next(record);
    if (!read.ok()) return read.error();
    if (read.value() == RecordStream::Read::kEnd) break;
    const bool is_record = read.value() == RecordStream::Read::kRecord;
    if (is_record && parser_.parse(record, read_)) {
      batch.sample_ids.push_back(record.sample_id);
      --share;
      continue;
    }
    const Status noted =
        note_bad_sample(record.sample_id, is_record ? parser_.reason() : reader.reason());
    if (!noted.ok()) return noted.error();
  }
  return Ok{};
}

Status ReaderSource::note_bad_sample(uint64_t sample_id, const std::string& reason) {
  ++bad_samples_;
  const bool logged = dataset_.bad_samples_logged_.fetch_add(1) < kBadSamplesLogged;
  const bool too_many = bad_samples_ > dataset_.max_bad_samples_;
  if (!logged && !too_many) return Ok{};
  const std::string place = dataset_.source_->place_of(sample_id);
  if (logged) spdlog::warn("bad sample skipped: {}: {}", place, reason);
  if (!too_many) return Ok{};
  return Error{ErrorCode::kBadData,
               fmt::format("more than {} bad samples (data.max_bad_samples); the last is {}: {}",
                           dataset_.max_bad_samples_, place, reason)};
}

void ReaderSource::dedup(features::Batch& batch) {
  const std::vector<features::FeaturePlan>& features = dataset_.plan_.ids;
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

}  // namespace cairn::data
