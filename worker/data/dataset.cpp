#include "worker/data/dataset.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "common/check.h"
#include "common/config/job_file.h"
#include "common/stream_hash.h"
#include "worker/data/columns.h"
#include "worker/data/csv/fields.h"
#include "worker/data/reader_source.h"
#include "worker/data/text/decoded_file.h"
#include "worker/features/sample_parser.h"

namespace cairn {

Result<std::unique_ptr<Dataset>> Dataset::open(const JobConfig& job, Split split,
                                               const std::vector<std::string>& files) {
  Result<Plan> plan = Plan::make(job, /*labels=*/split != Split::kPredict);
  if (!plan.ok()) return plan.error();
  check(job.data.readers > 0, "data.readers is checked with the job file");

  std::unique_ptr<Dataset> dataset(new Dataset);
  dataset->plan_ = std::move(plan).value();
  dataset->shuffle_ = split == Split::kTrain && job.data.shuffle;
  dataset->seed_ = job.train.seed;
  dataset->readers_ = job.data.readers;
  dataset->max_bad_samples_ = job.data.max_bad_samples;
  dataset->separator_ = job.data.format == DataFormat::kCsv ? ',' : '\t';
  dataset->quotes_ = job.data.format == DataFormat::kCsv;
  const std::vector<std::string>& named = split == Split::kTrain ? job.data.train : job.data.eval;
  const std::string cache = job.data.cache.empty() ? job.output + "/cache" : job.data.cache;
  const Status opened = dataset->open_files(job.data, cache, files.empty() ? named : files);
  if (!opened.ok()) return opened.error();
  return dataset;
}

std::string Dataset::order_fingerprint() const {
  std::vector<uint64_t> words = {seed_, shuffle_, readers_};
  for (const InputFile& file : files_) {
    words.push_back(file.data().size());
    words.push_back(file.body);
  }
  return to_hex(hash_bytes(words.data(), words.size() * sizeof(uint64_t), 0));
}

Status Dataset::open_files(const DataConfig& data, const std::string& cache,
                           const std::vector<std::string>& paths) {
  if (paths.empty()) return Error{ErrorCode::kInvalidArgument, "no input files are named"};
  for (const std::string& path : paths) {
    const Result<std::string> plain = decoded_path(path, cache);
    if (!plain.ok()) return plain.error();
    Result<MappedFile> mapped = MappedFile::open(plain.value());
    if (!mapped.ok() && plain.value() != path)
      return Error{ErrorCode::kBadData,
                   fmt::format("{}: decoded: {}", path, mapped.error().message)};
    if (!mapped.ok()) return mapped.error();
    InputFile file{path, std::move(mapped).value(), bytes_, 0};
    Result<FileColumns> columns = find_columns(data, file);
    if (!columns.ok()) return columns.error();
    bytes_ += file.data().size();
    files_.push_back(std::move(file));
    columns_.push_back(std::move(columns).value());
  }
  blocks_ = cut_blocks(files_, readers_);
  samples_estimate_ = estimate_samples();
  if (samples_estimate_ == 0)
    return Error{ErrorCode::kBadData, fmt::format("{}: has no rows", fmt::join(paths, ", "))};
  return Ok{};
}

Result<Dataset::FileColumns> Dataset::find_columns(const DataConfig& data, InputFile& file) const {
  file.body = byte_order_mark(file.data());
  std::vector<std::string> names = data.columns;
  if (data.format == DataFormat::kCriteo) {
    names = criteo_columns();
  } else if (data.header) {
    size_t bytes = 0;
    FieldSplitter header(separator_, quotes_);
    if (!header.split(first_line(file.data().substr(file.body), bytes)))
      return Error{ErrorCode::kBadData,
                   fmt::format("{}:1: the header {}", file.name, header.reason())};
    names.assign(header.fields().begin(), header.fields().end());
    file.body += bytes;
  }

  FileColumns columns;
  columns.fields = static_cast<uint32_t>(names.size());
  for (const std::string& wanted : plan_.columns) {
    const auto found = std::find(names.begin(), names.end(), wanted);
    if (found == names.end()) {
      const std::string nearest = nearest_column(wanted, names);
      return Error{ErrorCode::kBadData,
                   fmt::format("{}: has no column '{}'{}", file.name, wanted,
                               nearest.empty() ? "" : fmt::format("; is '{}' meant?", nearest))};
    }
    if (std::find(found + 1, names.end(), wanted) != names.end())
      return Error{ErrorCode::kBadData, fmt::format("{}: has two columns '{}'", file.name, wanted)};
    columns.places.push_back(static_cast<uint32_t>(found - names.begin()));
  }
  return columns;
}

uint64_t Dataset::estimate_samples() const {
  uint64_t bytes = 0, total = 0;
  std::vector<Line> lines;
  for (const InputFile& file : files_) total += file.data().size() - file.body;
  for (const Block& block : blocks_) {
    append_lines(files_[block.file], block, lines);
    bytes += block.end - block.begin;
    if (lines.size() >= 10'000) break;
  }
  if (lines.empty()) return 0;
  return std::max<uint64_t>(
      1, static_cast<uint64_t>(static_cast<double>(total) * static_cast<double>(lines.size()) /
                               static_cast<double>(bytes)));
}

DataShape Dataset::shape() const {
  DataShape shape;
  shape.dense_columns = static_cast<uint32_t>(plan_.numbers.size());
  for (const FeaturePlan& feature : plan_.ids) shape.bag_tables.push_back(feature.table);
  return shape;
}

// Read in file order whatever the seed, so that a resumed or repeated job has the same statistics.
std::vector<Moments> Dataset::moments_of(uint32_t first, uint32_t last) const {
  check(first <= last && last <= readers_, "a range of the readers");
  const size_t features = plan_.standardized.size();
  std::vector<Moments> partials((last - first) * features);
  if (features == 0) return partials;
  const OrderKey in_file_order;
  const std::vector<std::vector<uint32_t>> dealt =
      deal_blocks(static_cast<uint32_t>(blocks_.size()), readers_, in_file_order);
  SampleReader rows(*this, {});
  SampleSet read;
  for (uint32_t v = first; v < last; ++v) {
    LineReader lines(files_, blocks_, dealt[v], v, in_file_order);
    while (const Line* line = lines.next()) {
      read.clear(plan_.ids.size());
      if (!rows.read(*line, read)) continue;
      for (size_t f = 0; f < features; ++f)
        if (const auto& input = rows.standard_inputs()[f]; input.present)
          partials[(v - first) * features + f].add(input.value);
    }
  }
  return partials;
}

Result<std::unique_ptr<BatchSource>> Dataset::start(const Start& start,
                                                    const Statistics& statistics) const {
  if (start.batch_size < readers_)
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("a batch of {} rows is less than the {} virtual readers; raise the "
                             "batch size or lower data.readers",
                             start.batch_size, readers_)};
  if (start.workers == 0 || start.workers > readers_ || start.worker >= start.workers)
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} workers on {} virtual readers; raise data.readers", start.workers,
                             readers_)};
  std::vector<Moments> moments;
  for (const std::string& name : plan_.standardized) {
    const auto found = statistics.features.find(name);
    if (found == statistics.features.end())
      return Error{ErrorCode::kInvalidArgument,
                   fmt::format("no statistics of the standardized feature '{}'", name)};
    moments.push_back(found->second);
  }
  return ReaderSource::make(*this, start, moments);
}

}  // namespace cairn
