#include "ps/log/segment_folder.h"

#include <algorithm>

#include "common/fault_point.h"

namespace cairn::ps {

namespace fs = std::filesystem;

Result<std::unique_ptr<SegmentFolder>> SegmentFolder::open(const SegmentFolderOptions& options,
                                                           const std::optional<LogEnd>& after) {
  std::unique_ptr<SegmentFolder> folder(new SegmentFolder(options, after));
  if (const Status made = options.files->create_folder(options.folder); !made.ok())
    return made.error();
  if (const Status synced = folder->sync_old(); !synced.ok()) return synced.error();
  if (after.has_value())
    if (const Status cleared = folder->clear_others(*after); !cleared.ok()) return cleared.error();
  if (const Status adopted = folder->adopt_spares(); !adopted.ok()) return adopted.error();
  if (const Status declared = folder->declare_boot(); !declared.ok()) return declared.error();
  return folder;
}

SegmentFolder::SegmentFolder(SegmentFolderOptions options, const std::optional<LogEnd>& after)
    : options_(std::move(options)) {
  if (!after.has_value() || after->segments.empty()) return;
  for (const LogEnd::Segment& segment : after->segments)
    old_.push_back({segment.number, segment.last_lsn, 0});
  next_number_ = after->segments.back().number + 1;
}

// Log rule 4: under `process` a log counts only within the kernel boot that wrote it.
Status SegmentFolder::declare_boot() {
  const fs::path path = options_.folder / kBootFile, fresh = options_.folder / kBootFileFresh;
  const auto absent_is_fine = [](Status status) -> Status {
    if (!status.ok() && status.error().code == ErrorCode::kNotFound) return Ok{};
    return status;
  };
  Status status = absent_is_fine(options_.files->remove(fresh));
  if (!status.ok()) return status;
  if (options_.durability != Durability::kProcess) {
    status = absent_is_fine(options_.files->remove(path));
    return status.ok() ? options_.files->sync_folder(options_.folder) : status;
  }
  Result<std::unique_ptr<StorageFile>> file =
      options_.files->create(fresh, options_.boot_id.size(), FileLayer::Access::kWrite);
  if (!file.ok()) return file.error();
  status = file.value()->write_at(0, options_.boot_id);
  if (status.ok()) status = file.value()->sync();
  if (status.ok()) status = options_.files->rename(fresh, path);
  if (status.ok()) status = options_.files->sync_folder(options_.folder);
  fault_point("log.boot_declared");
  return status;
}

// Before a new segment comes: it takes the number behind the last one, and the log has no other
// files between its first segment and its last. From the last on, one after the other: a crash must
// not leave one behind a gap, where the log would seem to begin.
Status SegmentFolder::clear_others(const LogEnd& after) {
  for (auto number = after.others.rbegin(); number != after.others.rend(); ++number) {
    const fs::path path = segment_path(options_.folder, *number);
    Status gone = after.damaged ? options_.files->rename(path, lost_path(options_.folder, *number))
                                : options_.files->remove(path);
    if (gone.ok()) gone = sync_if_promised();
    if (!gone.ok()) return gone;
    fault_point("log.leftover_removed");
  }
  return Ok{};
}

// The bytes read may be those that a former process wrote and did not live to sync: from here on
// the log goes on behind it, so a power cut must not take it any more.
Status SegmentFolder::sync_old() {
  if (options_.durability != Durability::kMachine) return Ok{};
  for (const Segment& segment : old_) {
    const auto file = options_.files->open(segment_path(options_.folder, segment.number),
                                           FileLayer::Access::kWrite);
    if (!file.ok()) return file.error();
    if (const Status synced = file.value()->sync(); !synced.ok()) return synced;
  }
  return Ok{};
}

Status SegmentFolder::adopt_spares() {
  const Result<std::vector<uint32_t>> numbers = list_spares(*options_.files, options_.folder);
  if (!numbers.ok()) return numbers.error();
  for (const uint32_t number : numbers.value()) {
    const fs::path path = spare_path(options_.folder, number);
    const auto file = options_.files->open(path, FileLayer::Access::kRead);
    if (!file.ok()) return file.error();
    const Result<uint64_t> bytes = file.value()->size();
    if (!bytes.ok()) return bytes.error();
    // The file has another segment size, or it was created and not yet filled when the process
    // died.
    if (bytes.value() == options_.segment_bytes)
      spares_.push_back(number);
    else if (const Status removed = options_.files->remove(path); !removed.ok())
      return removed;
  }
  return Ok{};
}

Status SegmentFolder::sync_if_promised() {
  if (options_.durability != Durability::kMachine) return Ok{};
  return sync();
}

FileLayer::Access SegmentFolder::access() const {
  return direct_ ? FileLayer::Access::kWriteDirect : FileLayer::Access::kWrite;
}

Result<SegmentFolder::Opened> SegmentFolder::next(uint64_t bytes, Lsn previous_last) {
  if (newest_.has_value()) {
    newest_->last_lsn = previous_last;
    old_.push_back(*newest_);
  }
  bytes = std::max(bytes, options_.segment_bytes);
  const bool spare = bytes == options_.segment_bytes && !spares_.empty();
  const uint32_t number = next_number_;
  Result<std::unique_ptr<StorageFile>> file = spare ? reuse_spare(number) : create(number, bytes);
  if (!file.ok()) return file.error();
  // Before anything is written: a power cut must not keep new content under a spare's old name, nor
  // records in a file without a name.
  if (const Status synced = sync_if_promised(); !synced.ok()) return synced.error();
  fault_point("log.segment_named");
  newest_ = Segment{number, 0, bytes};
  ++next_number_;
  return Opened{std::move(file).value(), bytes};
}

Result<std::unique_ptr<StorageFile>> SegmentFolder::create(uint32_t number, uint64_t bytes) {
  auto file = options_.files->create(segment_path(options_.folder, number), bytes, access());
  fault_point("log.segment_created");
  return file;
}

Result<std::unique_ptr<StorageFile>> SegmentFolder::reuse_spare(uint32_t number) {
  const fs::path path = segment_path(options_.folder, number);
  const Status renamed = options_.files->rename(spare_path(options_.folder, spares_.back()), path);
  if (!renamed.ok()) return renamed.error();
  spares_.pop_back();
  fault_point("log.segment_reused");
  return options_.files->open(path, access());
}

Status SegmentFolder::retire_up_to(Lsn replay_after) {
  bool any = false;
  for (; !old_.empty() && old_.front().last_lsn <= replay_after; old_.pop_front()) {
    const Segment& segment = old_.front();
    const uint64_t kept = (old_.size() + spares_.size()) * options_.segment_bytes;
    // A file of a former run, or one made for a large record, has another size.
    const bool reusable = segment.bytes == options_.segment_bytes && kept <= options_.bytes_max;
    const fs::path path = segment_path(options_.folder, segment.number);
    const Status gone =
        reusable ? options_.files->rename(path, spare_path(options_.folder, segment.number))
                 : options_.files->remove(path);
    if (!gone.ok()) return gone;
    if (reusable) spares_.push_back(segment.number);
    fault_point("log.segment_retired");
    any = true;
  }
  return any ? sync_if_promised() : Status(Ok{});
}

}  // namespace cairn::ps
