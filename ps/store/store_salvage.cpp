#include "ps/store/store_salvage.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

#include "common/atomic_file.h"
#include "common/fault_point.h"
#include "common/file.h"
#include "ps/store/rocks_store.h"
#include "ps/store/row_file.h"

namespace cairn::ps {

namespace fs = std::filesystem;

namespace {

constexpr uint32_t kSlotsAtOnce = 64;
constexpr size_t kRunFloats = (64 << 20) / sizeof(float);
constexpr char kMark[] = "DAMAGED";  // a name that RocksDB knows nothing of, and leaves alone

fs::path unfinished_path(const fs::path& folder) { return folder / "store-salvaging"; }
fs::path damaged_path(const fs::path& folder) { return folder / "store-damaged"; }
fs::path salvaged_path(const fs::path& folder) { return folder / "store-salvaged"; }

// Neighbouring slots that damage of the same file takes are one loss.
void add(StorageLoss loss, std::vector<StorageLoss>& losses) {
  if (!losses.empty() && losses.back().file == loss.file &&
      losses.back().slots.last == loss.slots.first)
    losses.back().slots.last = loss.slots.last;
  else
    losses.push_back(std::move(loss));
}

// A store that is read slot by slot, ascending. Its files tell which keys a slot may have, the
// database what their rows are.
class DamagedStore {
 public:
  // `tables`: how many it holds.
  DamagedStore(const RocksStore& store, fs::path folder, size_t tables)
      : store_(store), folder_(std::move(folder)), tables_(tables) {
    for (RocksStore::RowFile& file : store.row_files()) files_.push_back({std::move(file), {}});
  }

  // Errors: kCorrupt where any block or file that may hold rows of the slot is damaged;
  // kUnavailable.
  Result<RowBatch> rows_of(uint32_t slot) {
    std::vector<RowKey> keys;
    for (File& file : files_) {
      if (!file.its.slots.contains(slot)) {
        file.opened.reset();
        continue;
      }
      reading_ = file.its.path;
      if (!file.opened.has_value()) file.opened.emplace(RowFile::open(file.its.path));
      if (!file.opened->ok()) return file.opened->error();
      const Status read = file.opened->value()->keys_of(slot, keys);
      if (!read.ok()) return read.error();
    }
    std::sort(keys.begin(), keys.end());
    keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
    const auto is_strange = [&](const RowKey& key) { return key.table >= tables_; };
    if (std::ranges::any_of(keys, is_strange))
      return Error{ErrorCode::kCorrupt,
                   fmt::format("slot {} of {} has keys of a table that it does not hold", slot,
                               folder_.string())};
    reading_ = folder_;
    return store_.read(keys);
  }

  // `why`: of rows_of(slot). RocksDB tells in words alone where a block is: "... in FILE offset N
  // size M".
  StorageLoss loss_of(uint32_t slot, const std::string& why) const {
    StorageLoss loss{
        .file = reading_.string(), .tables = {}, .slots = {slot, slot + 1}, .why = why};
    static constexpr std::string_view kIn = " in ", kFileEnd = ".sst", kOffset = " offset ";
    const size_t end = why.find(fmt::format("{}{}", kFileEnd, kOffset));
    const size_t begin = end == std::string::npos ? end : why.rfind(kIn, end);
    if (begin == std::string::npos) return loss;
    loss.file = why.substr(begin + kIn.size(), end + kFileEnd.size() - begin - kIn.size());
    const char* const digits = why.data() + end + kFileEnd.size() + kOffset.size();
    std::from_chars(digits, why.data() + why.size(), loss.offset);
    return loss;
  }

 private:
  struct File {
    RocksStore::RowFile its;
    std::optional<Result<std::unique_ptr<RowFile>>> opened;  // while slots of its range are read
  };
  const RocksStore& store_;
  const fs::path folder_;
  const size_t tables_;
  fs::path reading_;
  std::vector<File> files_;
};

// Copies slots after each other into another store.
class Salvage {
 public:
  Salvage(const RocksStore& from, const fs::path& folder, size_t tables, RocksStore& to)
      : from_(from), damaged_(from, folder, tables), to_(to) {}

  Status take(SlotRange slots) {
    const Result<RowBatch> rows = scan(slots);
    if (rows.ok()) return append(rows.value());
    Status taken = Ok{};
    for (uint32_t slot = slots.first; slot < slots.last && taken.ok(); ++slot) taken = take(slot);
    return taken;
  }
  Status save() {
    const Status saved = to_.save_flush_file(run_);
    run_ = {};
    return saved;
  }
  std::vector<StorageLoss> losses() && {
    for (StorageLoss& loss : losses_)
      loss.why = fmt::format("rows of slots {} to {} are lost: {}", loss.slots.first,
                             loss.slots.last - 1, loss.why);
    return std::move(losses_);
  }

 private:
  // By the database alone, which takes a third of the time, but fails for all slots because of one,
  // or of a file that none of them is in.
  Result<RowBatch> scan(SlotRange slots) const {
    RowBatch rows;
    const Status scanned = from_.scan(slots, [&](const StoredRow& row) -> Status {
      rows.entries.push_back(row.entry);
      rows.entries.back().offset = rows.floats.size();
      rows.floats.insert(rows.floats.end(), row.floats.begin(), row.floats.end());
      return Ok{};
    });
    if (!scanned.ok()) return scanned.error();
    return rows;
  }
  Status take(uint32_t slot) {
    const Result<RowBatch> rows = damaged_.rows_of(slot);
    if (rows.ok()) return append(rows.value());
    if (rows.error().code != ErrorCode::kCorrupt) return rows.error();
    add(damaged_.loss_of(slot, rows.error().message), losses_);
    return Ok{};
  }
  Status append(const RowBatch& rows) {
    for (RowBatch::Entry entry : rows.entries) {
      entry.offset += run_.rows.floats.size();
      run_.rows.entries.push_back(entry);
      run_.highest_lsn = std::max(run_.highest_lsn, entry.lsn);
    }
    run_.rows.floats.insert(run_.rows.floats.end(), rows.floats.begin(), rows.floats.end());
    return run_.rows.floats.size() < kRunFloats ? Status(Ok{}) : save();
  }

  const RocksStore& from_;
  DamagedStore damaged_;
  RocksStore& to_;
  FlushFile run_;
  std::vector<StorageLoss> losses_;
};

Result<std::vector<StorageLoss>> copy_intact(const fs::path& from, const fs::path& to,
                                             const std::vector<TableConfig>& tables,
                                             SlotRange slots, Lsn filters_version) {
  const auto damaged = RocksStore::open_damaged(from, tables);
  if (!damaged.ok()) return damaged.error();
  const Result<std::vector<SlotFilter>> filters = damaged.value()->filters(filters_version);
  if (!filters.ok()) return filters.error();
  const auto salvaged = RocksStore::open(to, tables);
  if (!salvaged.ok()) return salvaged.error();
  // First: not even of lost rows is an lsn given again.
  Status status = salvaged.value()->raise_highest_lsn(damaged.value()->highest_lsn());
  if (status.ok()) status = salvaged.value()->save_filters(filters_version, filters.value());
  Salvage salvage(*damaged.value(), from, tables.size(), *salvaged.value());
  for (uint32_t first = slots.first; first < slots.last && status.ok(); first += kSlotsAtOnce)
    status = salvage.take({first, std::min(first + kSlotsAtOnce, slots.last)});
  if (status.ok()) status = salvage.save();
  if (!status.ok()) return status.error();
  return std::move(salvage).losses();
}

Status move_folder(const fs::path& from, const fs::path& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) return system_error("rename", from, error.value());
  return sync_path(from.parent_path());
}

}  // namespace

Result<std::vector<StorageLoss>> salvage_store(const fs::path& folder,
                                               const std::vector<TableConfig>& tables,
                                               SlotRange slots, Lsn filters_version) {
  std::error_code error;
  for (const fs::path& left : {unfinished_path(folder), salvaged_path(folder)}) {
    fs::remove_all(left, error);
    if (error) return system_error("remove", left, error.value());
  }
  Result<std::vector<StorageLoss>> losses =
      copy_intact(folder / "store", unfinished_path(folder), tables, slots, filters_version);
  if (!losses.ok()) return losses;
  fault_point("salvage.rows_copied");
  if (const Status noted = note_losses(folder, losses.value()); !noted.ok()) return noted.error();
  fault_point("salvage.losses_noted");
  if (const Status moved = move_folder(unfinished_path(folder), salvaged_path(folder)); !moved.ok())
    return moved.error();
  fault_point("salvage.store_completed");
  fs::remove_all(damaged_path(folder), error);
  if (error) return system_error("remove", damaged_path(folder), error.value());
  if (const Status moved = move_folder(folder / "store", damaged_path(folder)); !moved.ok())
    return moved.error();
  fault_point("salvage.store_moved_away");
  if (const Status moved = finish_salvage(folder); !moved.ok()) return moved.error();
  fault_point("salvage.store_replaced");
  return losses;
}

Status finish_salvage(const fs::path& folder) {
  std::error_code error;
  if (fs::exists(folder / "store", error) || !fs::exists(salvaged_path(folder), error)) return Ok{};
  return move_folder(salvaged_path(folder), folder / "store");
}

Status mark_damaged(const fs::path& store, std::string_view why) {
  return write_file_atomically(store / kMark, fmt::format("{}\n", why));
}

bool is_marked_damaged(const fs::path& store) {
  std::error_code error;
  return fs::exists(store / kMark, error);
}

}  // namespace cairn::ps
