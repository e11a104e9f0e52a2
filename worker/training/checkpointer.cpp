#include "worker/training/checkpointer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ctime>

#include "common/atomic_file.h"
#include "common/config/resolved.h"
#include "common/wire/replies.h"
#include "worker/collective/agreement.h"
#include "worker/training/dense_file.h"
#include "worker/version/checkpoint_version.h"

namespace cairn::training {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBest = "monitor.best";
constexpr const char* kBestStep = "monitor.best_step";
constexpr const char* kSinceBest = "monitor.evaluations_since_best";

std::string shard_folder(uint32_t shard) { return fmt::format("shard-{:03}", shard); }

std::string pack_positions(const std::vector<features::ReaderPosition>& positions) {
  std::string bytes(positions.size() * sizeof(features::ReaderPosition), '\0');
  if (!positions.empty()) std::memcpy(bytes.data(), positions.data(), bytes.size());
  return bytes;
}

// Those of all readers: workers hold consecutive readers, so their order is the ranks'.
std::vector<std::pair<uint32_t, uint32_t>> join_positions(const std::vector<std::string>& all) {
  std::vector<std::pair<uint32_t, uint32_t>> positions;
  for (const std::string& bytes : all)
    for (size_t at = 0; at + sizeof(features::ReaderPosition) <= bytes.size();
         at += sizeof(features::ReaderPosition)) {
      features::ReaderPosition position;
      std::memcpy(&position, bytes.data() + at, sizeof position);
      positions.emplace_back(position.first, position.second);
    }
  return positions;
}

}  // namespace

TrainState state_of(const CheckpointManifest& manifest, uint32_t first_reader,
                    uint32_t last_reader) {
  TrainState state;
  state.step = manifest.step;
  state.epoch = manifest.epoch;
  for (uint32_t reader = first_reader; reader < last_reader; ++reader)
    state.positions.push_back(
        {manifest.positions[reader].first, manifest.positions[reader].second});
  state.evaluation = manifest.metrics;
  const auto take = [&](const char* name, double otherwise) {
    const auto found = state.evaluation.find(name);
    if (found == state.evaluation.end()) return otherwise;
    const double value = found->second;
    state.evaluation.erase(found);
    return value;
  };
  state.best = take(kBest, state.best);
  state.best_step = static_cast<uint64_t>(take(kBestStep, 0));
  state.evaluations_since_best = static_cast<uint32_t>(take(kSinceBest, 0));
  return state;
}

Status Checkpointer::write(const TrainState& state, const version::ModelVersion& version) {
  if (const Status status = agree(view_.collective, shards_.wait_pushes()); !status.ok())
    return status;
  const Result<std::vector<std::string>> positions =
      view_.collective.all_gather(pack_positions(state.positions));
  if (!positions.ok()) return positions.error();
  Result<std::string> mine = std::string();
  if (view_.first()) mine = write_as_first(state, version, join_positions(positions.value()));
  const Result<std::string> written = from_first(view_.collective, mine);
  if (!written.ok()) return written.error();
  if (view_.first()) {
    view_.metrics.checkpoint_last_success.Set(static_cast<double>(std::time(nullptr)));
    remove_old(state);
  }
  return Ok{};
}

Result<std::string> Checkpointer::write_as_first(
    const TrainState& state, const version::ModelVersion& version,
    std::vector<std::pair<uint32_t, uint32_t>> positions) {
  const JobConfig& job = view_.job;
  const fs::path folder =
      fs::absolute(fs::path(job.checkpoint.dir) / checkpoint_folder_name(state.step));
  std::error_code failed;
  fs::remove_all(folder, failed);  // one that was not committed
  fs::create_directories(folder, failed);
  if (failed)
    return Error{ErrorCode::kUnavailable,
                 folder.string() + ": cannot be created: " + failed.message()};

  CheckpointManifest manifest;
  std::vector<std::string> folders;
  const SlotMap slots{1, job.shards()};
  for (uint32_t shard = 0; shard < job.shards(); ++shard) {
    manifest.shards.push_back({shard_folder(shard), slots.range_of(shard)});
    folders.push_back(to_json(CheckpointRequest{(folder / shard_folder(shard)).string()}));
  }
  const auto replies = shards_.checkpoint(state.step, folders);
  if (!replies.ok()) return replies.error();
  for (uint32_t shard = 0; shard < job.shards(); ++shard) {
    const Result<CheckpointReply> reply = parse_checkpoint_reply(replies.value()[shard]);
    if (!reply.ok())
      return Error{ErrorCode::kUnavailable,
                   fmt::format("shard {} answered a checkpoint with nonsense: {}", shard,
                               reply.error().message)};
    for (const CheckpointReply::File& file : reply.value().files)
      manifest.files.push_back({shard_folder(shard) + "/" + file.name, file.bytes, ""});
  }

  const auto add = [&](const std::string& name, const std::string& bytes) -> Status {
    const Status written = write_file_atomically(folder / name, bytes);
    if (!written.ok()) return written;
    manifest.files.push_back({name, bytes.size(), checksum_of(bytes)});
    return Ok{};
  };
  if (Status s = add("job.yaml", write_resolved(job)); !s.ok()) return s.error();
  if (Status s = add(version::kDenseFile,
                     write_dense(version, *learner_.optimizer, learner_.model->memory()));
      !s.ok())
    return s.error();
  if (Status s = add(version::kStatisticsFile, version.statistics.to_json()); !s.ok())
    return s.error();

  manifest.step = state.step;
  manifest.epoch = state.epoch;
  manifest.incarnation = view_.options.incarnation;
  manifest.readers = job.data.readers;
  manifest.config_hash = config_hash(job);
  manifest.data_order = train_.order_fingerprint();
  manifest.positions = std::move(positions);
  manifest.tables = job.tables;
  manifest.metrics = state.evaluation;
  if (!std::isnan(state.best)) {
    manifest.metrics[kBest] = state.best;
    manifest.metrics[kBestStep] = static_cast<double>(state.best_step);
    manifest.metrics[kSinceBest] = state.evaluations_since_best;
  }
  if (Status s = commit_manifest(folder, manifest); !s.ok()) return s.error();
  return folder.string();
}

// Keeps the newest checkpoint.keep, and the best by eval.monitor. Folders without a manifest are
// what a crash left behind; nobody else writes here, so they go too.
void Checkpointer::remove_old(const TrainState& state) const {
  std::vector<fs::path> complete;
  std::error_code failed;
  fs::directory_iterator entries(view_.job.checkpoint.dir, failed);
  for (; !failed && entries != fs::directory_iterator(); entries.increment(failed)) {
    const fs::path& folder = entries->path();
    const auto step = checkpoint_step_of(folder.filename().string());
    if (!step) continue;  // not ours
    if (!std::isnan(state.best) && *step == state.best_step) continue;
    std::error_code unknown;
    if (fs::exists(folder / "manifest.json", unknown))
      complete.push_back(folder);
    else if (!unknown)
      fs::remove_all(folder, unknown);
  }
  std::sort(complete.begin(), complete.end());
  const size_t keep = std::max<size_t>(1, view_.job.checkpoint.keep);
  for (size_t i = 0; i + keep < complete.size(); ++i) {
    // The manifest first: what is half removed must not look complete.
    fs::remove(complete[i] / "manifest.json", failed);
    fs::remove_all(complete[i], failed);
  }
}

}  // namespace cairn::training
