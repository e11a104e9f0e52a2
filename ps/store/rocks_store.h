// The rows of one shard on disk, in RocksDB. Each slot is one key range with the rows of all tables
// (encodings: ps/row/row_codec.h). Calls block; RocksColdStore (ps/store/rocks_cold_store.h) makes
// them on background threads.
//
// Rows come in only as flush files, each ingested as one file: all of it is durable, or none. Small
// state (the tables, the highest lsn, admission filters) stands in a column family of its own,
// written through RocksDB's log with sync. Thread safety: one thread at a time calls
// save_flush_file and checkpoint. Any thread may make the other calls, also meanwhile.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/config/table_config.h"
#include "common/result.h"
#include "common/slots.h"
#include "ps/row/row.h"
#include "ps/store/cold_store.h"

namespace cairn::ps {

class RocksDatabase;  // rocksdb::DB and its handles
enum class StoreAccess : uint8_t;

// The layouts of the rows of a job's tables. Errors: kInvalidArgument for an unknown optimizer.
Result<std::vector<RowLayout>> layouts_of(const std::vector<TableConfig>& tables);

// One row as it stands in a store; `floats` lives as long as the call it is given to.
struct StoredRow {
  RowBatch::Entry entry;  // `offset` means nothing
  std::span<const float> floats;
};

class RocksStore {
 public:
  // Creates `folder` if missing. Errors: kUnavailable if another process has the store open or the
  // disk refuses; kCorrupt if the store is damaged or its tables (names, order, dims, optimizers)
  // are not `tables`.
  static Result<std::unique_ptr<RocksStore>> open(const std::filesystem::path& folder,
                                                  const std::vector<TableConfig>& tables);

  // Opens the folder of a checkpoint. Nothing in the folder is written, created or locked, and many
  // may read it. save_flush_file and checkpoint must not be called.
  static Result<std::unique_ptr<RocksStore>> open_read_only(const std::filesystem::path& folder,
                                                            const std::vector<TableConfig>& tables);

  // Does as open_read_only, for a store whose files of rows may be damaged or missing. Reads of the
  // rows in such files fail. Errors: kCorrupt if the store's list of files or small state is
  // damaged too, or its tables are not `tables`.
  static Result<std::unique_ptr<RocksStore>> open_damaged(const std::filesystem::path& folder,
                                                          const std::vector<TableConfig>& tables);
  ~RocksStore();

  // Once this returns Ok, the rows are durable and every later read sees them. A row of count 0
  // deletes. Errors: kUnavailable if the disk is full or fails; the rows are then as they were.
  Status save_flush_file(const FlushFile& run);

  // The filters of one version; none if there is no such version. Errors: kCorrupt, kUnavailable.
  Result<std::vector<SlotFilter>> filters(Lsn version) const;
  // The newest filter of each table and slot, ascending. Errors: as filters.
  Result<std::vector<SlotFilter>> newest_filters(SlotRange slots) const;
  Status save_filters(Lsn version, std::span<const SlotFilter> filters);
  Status drop_filters(Lsn below);

  // Keys ascend; absent ones are left out. Errors: kCorrupt, naming the file.
  Result<RowBatch> read(std::span<const RowKey> keys) const;

  // Does as `read`, but goes through all rows of the keys' slots instead of looking each key up.
  // This is faster where many rows of a slot are wanted.
  Result<RowBatch> scan_for(std::span<const RowKey> keys) const;

  // Gives all rows of some slots, in order. Errors: those of `read`, or the error that `row`
  // returned, which ends the scan.
  Status scan(SlotRange slots, const std::function<Status(const StoredRow&)>& row) const;

  struct RowFile {
    std::filesystem::path path;
    SlotRange slots;  // from that of its first row to that of its last one
  };
  // The files that hold the rows at this moment, in any order, whether they can be read or not.
  std::vector<RowFile> row_files() const;

  // Puts everything saved so far into `folder`, by hard links where the file system allows.
  // `folder` must not exist, or holds a checkpoint, which the new one replaces. Files and folder
  // are synced.
  Result<ShardFiles> checkpoint(const std::filesystem::path& folder);

  // Not below the lsn of any row stored.
  Lsn highest_lsn() const { return highest_lsn_; }
  // Raises the highest lsn, durably, for rows that come from another store.
  Status raise_highest_lsn(Lsn lsn);

  bool empty() const { return empty_; }
  uint64_t rows_estimate() const;
  uint32_t backlog() const;
  uint64_t compacted_bytes() const;  // that compaction has written since it was opened
  const std::vector<RowLayout>& layouts() const { return layouts_; }

 private:
  RocksStore(std::filesystem::path folder, std::vector<RowLayout> layouts,
             std::unique_ptr<RocksDatabase> database);
  static Result<std::unique_ptr<RocksStore>> open(const std::filesystem::path& folder,
                                                  const std::vector<TableConfig>& tables,
                                                  StoreAccess access);
  Status check_schema(const std::vector<TableConfig>& tables, bool read_only);
  Status load_highest_lsn();
  Status find_whether_empty();
  uint64_t number(const char* property) const;
  Status scan_filters(Lsn first, Lsn last, const std::function<void(SlotFilter)>& filter) const;
  Result<std::filesystem::path> write_flush_file(const FlushFile& run) const;

  const std::filesystem::path folder_;
  const std::vector<RowLayout> layouts_;
  std::unique_ptr<RocksDatabase> database_;
  std::atomic<Lsn> highest_lsn_ = 0;
  std::atomic<bool> empty_ = true;  // false once a row was saved, even if it was deleted since
};

}  // namespace cairn::ps
