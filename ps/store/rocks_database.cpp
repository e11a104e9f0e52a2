#include "ps/store/rocks_database.h"

#include <fmt/format.h>
#include <rocksdb/env.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/table.h>

#include <vector>

namespace cairn::ps {

namespace {

// RocksDB would write its own log file beside the data, in a checkpoint that is only read as well.
// What it has to say reaches us as a status.
class SilentLogger final : public rocksdb::Logger {
 public:
  SilentLogger() : Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using Logger::Logv;
  void Logv(const char*, va_list) override {}
};

// But for one thing: without paranoid checks RocksDB leaves out what is damaged in the log of the
// small state, and tells nobody else.
class DroppedRecords final : public rocksdb::Logger {
 public:
  DroppedRecords() : Logger(rocksdb::InfoLogLevel::WARN_LEVEL) {}
  using Logger::Logv;
  void Logv(const char* format, va_list) override {
    if (std::string_view(format).find("dropping %d bytes") != std::string_view::npos) any_ = true;
  }
  bool any() const { return any_; }

 private:
  std::atomic<bool> any_ = false;  // background threads log as well
};

}  // namespace

Error to_error(const rocksdb::Status& status, std::string_view what,
               const std::filesystem::path& folder) {
  return {status.IsCorruption() ? ErrorCode::kCorrupt : ErrorCode::kUnavailable,
          fmt::format("cannot {} {}: {}", what, folder.string(), status.ToString())};
}

rocksdb::DBOptions database_options() {
  rocksdb::DBOptions options;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.info_log = std::make_shared<SilentLogger>();
  options.stats_dump_period_sec = 0;     // they would go to that log
  options.stats_persist_period_sec = 0;  // no one reads them
  // An open file keeps its index and filter in memory. 64 MB per file make this 32 GB of rows a
  // shard before files are reopened. A server raises the process's limit of descriptors for it.
  options.max_open_files = 512;
  // The small state is synced before it counts, so a damaged middle is damage; only its end may be
  // torn.
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.max_total_wal_size = 4 << 20;  // of the small state alone
  // Compaction may use one core while the shard uses the other; a flush is rare and tiny.
  options.max_background_jobs = 2;
  // Page cache for reads, as the block cache is small: measured 8 times faster than direct reads
  // where the rows fit in memory. Compaction must not push them out of it in one go.
  options.use_direct_reads = false;
  options.bytes_per_sync = 1 << 20;  // written back steadily, not in one stall at the end of a file
  return options;
}

rocksdb::ColumnFamilyOptions row_options() {
  rocksdb::BlockBasedTableOptions table;
  // A miss of the hot tier asks for keys that may never have been stored: 10 bits per key answer 99
  // of 100 of those without a read.
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_size = 4096;  // one page: a miss wants one row of about 136 bytes
  // Measured: spares the binary search in a block, which assertions make slow.
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  table.checksum = rocksdb::kXXH3;  // Debian's build does CRC32C in software
  table.format_version = 5;
  // The hot tier is the cache of rows, the page cache that of blocks: this one only serves the keys
  // of one sorted read that share a block.
  table.block_cache = rocksdb::NewLRUCache(32 << 20);

  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kNoCompression;  // low bits of trained floats are noise
  options.target_file_size_base = 64 << 20;       // as large as a flush file
  options.write_buffer_size = 1 << 20;            // rows never pass through it
  // Rows come in as whole files of a flush, in slot order, which overlap older flushes only.
  options.level0_file_num_compaction_trigger = 4;
  options.max_bytes_for_level_base = 512 << 20;
  return options;
}

rocksdb::ColumnFamilyOptions small_state_options() {
  rocksdb::ColumnFamilyOptions options;
  options.write_buffer_size = 1 << 20;
  options.compression = rocksdb::kNoCompression;
  return options;
}

Result<std::unique_ptr<RocksDatabase>> RocksDatabase::open(const std::filesystem::path& folder,
                                                           StoreAccess access) {
  const std::vector<rocksdb::ColumnFamilyDescriptor> families = {
      {rocksdb::kDefaultColumnFamilyName, row_options()}, {"small_state", small_state_options()}};
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  std::unique_ptr<RocksDatabase> database(new RocksDatabase);
  rocksdb::DBOptions options = database_options();
  options.listeners.push_back(database->compactions_);
  const auto dropped = std::make_shared<DroppedRecords>();
  if (access == StoreAccess::kReadDamaged) {
    options.paranoid_checks = false;
    options.info_log = dropped;
  }
  rocksdb::DB* opened = nullptr;
  const rocksdb::Status status =
      access == StoreAccess::kWrite
          ? rocksdb::DB::Open(options, folder.string(), families, &handles, &opened)
          : rocksdb::DB::OpenForReadOnly(options, folder.string(), families, &handles, &opened);
  // RocksDB tells a lock from other trouble in words alone: "While lock file: ..." of another
  // process, "lock hold by current process" of this one.
  const std::string why = status.ToString();
  const auto says = [&](const char* words) { return why.find(words) != std::string::npos; };
  if (status.IsIOError() && (says("While lock file") || says("lock hold by current process")))
    return Error{ErrorCode::kUnavailable,
                 fmt::format("cannot open the store {}: another process has it open ({})",
                             folder.string(), why)};
  if (!status.ok()) return to_error(status, "open the store", folder);
  database->db_.reset(opened);
  database->rows_ = handles[0];
  database->small_state_ = handles[1];
  if (dropped->any())
    return Error{ErrorCode::kCorrupt,
                 fmt::format("the log of the small state of {} is damaged", folder.string())};
  return database;
}

RocksDatabase::~RocksDatabase() {
  // Handles must go before their database.
  for (rocksdb::ColumnFamilyHandle* handle : {rows_, small_state_})
    if (handle != nullptr) db_->DestroyColumnFamilyHandle(handle);
}

}  // namespace cairn::ps
