#include "bench/shard/bare_store.h"

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>

#include <algorithm>
#include <string>

#include "bench/shard/driver.h"
#include "common/check.h"

namespace cairn {

namespace {

rocksdb::Options bare_options() {
  rocksdb::BlockBasedTableOptions table;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.block_size = 4096;
  table.block_cache = rocksdb::NewLRUCache(32 << 20);
  table.data_block_index_type = rocksdb::BlockBasedTableOptions::kDataBlockBinaryAndHash;
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  rocksdb::Options options;
  options.create_if_missing = true;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kNoCompression;
  options.target_file_size_base = 64 << 20;
  options.max_background_jobs = 2;
  options.max_open_files = -1;
  options.max_bytes_for_level_base = 1 << 30;
  options.use_direct_io_for_flush_and_compaction = true;
  options.level0_slowdown_writes_trigger = 64;
  options.level0_stop_writes_trigger = 128;
  return options;
}

rocksdb::Slice slice_of(const ps::StoredKey& key) { return {key.data(), key.size()}; }

void require(const rocksdb::Status& status) { check(status.ok(), status.ToString()); }

}  // namespace

BareStore::BareStore(const std::filesystem::path& folder) : folder_(folder) {
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(folder_);
  rocksdb::DB* opened = nullptr;
  require(rocksdb::DB::Open(bare_options(), (folder_ / "db").string(), &opened));
  db_.reset(opened);
}

BareStore::~BareStore() {
  db_.reset();
  std::filesystem::remove_all(folder_);
}

void BareStore::ingest(const Run& run) {
  const std::string file = (folder_ / "run.sst").string();
  rocksdb::EnvOptions direct;
  direct.use_direct_writes = true;
  rocksdb::SstFileWriter writer(direct, bare_options());
  require(writer.Open(file));
  for (size_t i = 0; i < run.rows(); ++i) {
    const char* row = run.row(i);
    require(writer.Put({row, ps::kStoredKeyBytes}, {row + ps::kStoredKeyBytes, kValueBytes}));
  }
  require(writer.Finish());
  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;
  require(db_->IngestExternalFile({file}, options));
}

size_t BareStore::read(std::span<const ps::StoredKey> keys) const {
  constexpr size_t kChunk = 1024;
  size_t found = 0;
  std::vector<rocksdb::Slice> slices(kChunk);
  std::vector<rocksdb::PinnableSlice> values(kChunk);
  std::vector<rocksdb::Status> statuses(kChunk);
  for (size_t first = 0; first < keys.size(); first += kChunk) {
    const size_t count = std::min(kChunk, keys.size() - first);
    for (size_t i = 0; i < count; ++i) {
      slices[i] = slice_of(keys[first + i]);
      values[i].Reset();
    }
    db_->MultiGet({}, db_->DefaultColumnFamily(), count, slices.data(), values.data(),
                  statuses.data(), /*sorted_input=*/true);
    for (size_t i = 0; i < count; ++i) found += statuses[i].ok() ? 1 : 0;
  }
  return found;
}

std::vector<BareStore::Run> flush_files(uint64_t rows) {
  std::vector<ps::RowKey> keys;
  keys.reserve(rows);
  for (uint64_t i = 0; i < rows; ++i) keys.push_back({0, bench_key(i)});
  std::sort(keys.begin(), keys.end());
  const std::string value(BareStore::kValueBytes, 'v');
  std::vector<BareStore::Run> runs;
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i % BareStore::kRunRows == 0) runs.emplace_back();
    runs.back().add(ps::encode_key(keys[i]), value.data());
  }
  return runs;
}

}  // namespace cairn
