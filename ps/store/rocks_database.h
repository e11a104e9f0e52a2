// RocksDB as a shard's store uses it: options, each with its reason; errors as ours; a database
// whose handles die in the right order. Only RocksStore's sources include this.
#pragma once

#include <rocksdb/db.h>
#include <rocksdb/listener.h>
#include <rocksdb/options.h>
#include <rocksdb/status.h>

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>

#include "common/result.h"

namespace cairn::ps {

// Not ok -> kCorrupt where RocksDB found damage, kUnavailable for everything else.
Error to_error(const rocksdb::Status& status, std::string_view what,
               const std::filesystem::path& folder);

rocksdb::DBOptions database_options();
rocksdb::ColumnFamilyOptions row_options();
rocksdb::ColumnFamilyOptions small_state_options();

// Counts what compaction writes. Thread safety: any.
class CompactionCounter final : public rocksdb::EventListener {
 public:
  void OnCompactionCompleted(rocksdb::DB*, const rocksdb::CompactionJobInfo& info) override {
    bytes_ += info.stats.total_output_bytes;
  }
  uint64_t bytes() const { return bytes_; }

 private:
  std::atomic<uint64_t> bytes_ = 0;
};

enum class StoreAccess : uint8_t {
  kWrite,
  kRead,         // nothing in the folder is written, created or locked
  kReadDamaged,  // so too; files of rows may be damaged or missing: reads meet that, not `open`
};

class RocksDatabase {
 public:
  // Errors: kUnavailable if another process has the database open to write or the disk refuses;
  // kCorrupt.
  static Result<std::unique_ptr<RocksDatabase>> open(const std::filesystem::path& folder,
                                                     StoreAccess access);
  ~RocksDatabase();

  rocksdb::DB& db() { return *db_; }
  rocksdb::ColumnFamilyHandle* rows() const { return rows_; }
  rocksdb::ColumnFamilyHandle* small_state() const { return small_state_; }
  uint64_t compacted_bytes() const { return compactions_->bytes(); }

 private:
  RocksDatabase() = default;
  // RocksDB shares its listeners.
  const std::shared_ptr<CompactionCounter> compactions_ = std::make_shared<CompactionCounter>();
  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyHandle* rows_ = nullptr;
  rocksdb::ColumnFamilyHandle* small_state_ = nullptr;
};

}  // namespace cairn::ps
