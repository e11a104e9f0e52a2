#include "ps/store/rocks_store.h"

#include <fmt/format.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/utilities/checkpoint.h>

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>

#include "common/config/words.h"
#include "common/fault_point.h"
#include "common/file.h"
#include "ps/optimizers/row_optimizer.h"
#include "ps/row/row_codec.h"
#include "ps/store/rocks_database.h"

namespace cairn::ps {

namespace fs = std::filesystem;

namespace {

constexpr char kIncoming[] = "incoming";  // folder of runs being written; what a crash leaves goes
constexpr char kSchemaKey[] = "schema";
constexpr char kHighestLsnKey[] = "highest_lsn";

rocksdb::Slice slice_of(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
std::string_view view_of(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

std::string schema_of(const std::vector<TableConfig>& tables,
                      const std::vector<RowLayout>& layouts) {
  nlohmann::json schema = nlohmann::json::array();
  for (size_t i = 0; i < tables.size(); ++i)
    schema.push_back({{"name", tables[i].name},
                      {"dim", layouts[i].dim},
                      {"state_floats", layouts[i].state_floats},
                      {"optimizer", tables[i].optimizer.name},
                      {"created_step", layouts[i].holds_created_step},
                      {"dtype", to_word(tables[i].dtype)}});
  return schema.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// Rows that a scan passes one by one before it looks for the next that is wanted, which costs as
// much as some of them.
constexpr uint32_t kPassedMax = 6;

// The small state is the only thing that RocksDB's own log holds.
rocksdb::WriteOptions synced() {
  rocksdb::WriteOptions options;
  options.sync = true;
  return options;
}

// `upper` lives as long as the iterator.
rocksdb::ReadOptions scan_options(const rocksdb::Slice* upper) {
  rocksdb::ReadOptions options;
  options.iterate_upper_bound = upper;
  options.fill_cache = false;  // each block is read once
  options.readahead_size = 2 << 20;
  return options;
}

Error damaged_row(const fs::path& folder, const RowKey& key, std::string_view why) {
  return {ErrorCode::kCorrupt,
          fmt::format("{}: row of table {}, key {}: {}", folder.string(), key.table, key.key, why)};
}

}  // namespace

Result<std::vector<RowLayout>> layouts_of(const std::vector<TableConfig>& tables) {
  std::vector<RowLayout> layouts;
  for (const TableConfig& table : tables) {
    const auto optimizer = make_row_optimizer(table.optimizer);
    if (!optimizer.ok()) return optimizer.error();
    const size_t state_floats = optimizer.value()->state_floats(table.dim);
    layouts.push_back({.dim = table.dim,
                       .state_floats = static_cast<uint32_t>(state_floats),
                       .dtype = table.dtype,
                       .holds_created_step = holds_created_step(table)});
  }
  return layouts;
}

RocksStore::RocksStore(fs::path folder, std::vector<RowLayout> layouts,
                       std::unique_ptr<RocksDatabase> database)
    : folder_(std::move(folder)), layouts_(std::move(layouts)), database_(std::move(database)) {}

RocksStore::~RocksStore() = default;

Result<std::unique_ptr<RocksStore>> RocksStore::open(const fs::path& folder,
                                                     const std::vector<TableConfig>& tables) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return system_error("create", folder, error.value());
  Result<std::unique_ptr<RocksStore>> store = open(folder, tables, StoreAccess::kWrite);
  if (!store.ok()) return store;
  // Not before the store is ours: another process may be writing a flush file there.
  fs::remove_all(folder / kIncoming, error);
  if (!error) fs::create_directories(folder / kIncoming, error);
  if (error) return system_error("create", folder / kIncoming, error.value());
  return store;
}

Result<std::unique_ptr<RocksStore>> RocksStore::open_read_only(
    const fs::path& folder, const std::vector<TableConfig>& tables) {
  return open(folder, tables, StoreAccess::kRead);
}

Result<std::unique_ptr<RocksStore>> RocksStore::open_damaged(
    const fs::path& folder, const std::vector<TableConfig>& tables) {
  return open(folder, tables, StoreAccess::kReadDamaged);
}

Result<std::unique_ptr<RocksStore>> RocksStore::open(const fs::path& folder,
                                                     const std::vector<TableConfig>& tables,
                                                     StoreAccess access) {
  Result<std::vector<RowLayout>> layouts = layouts_of(tables);
  if (!layouts.ok()) return layouts.error();
  Result<std::unique_ptr<RocksDatabase>> database = RocksDatabase::open(folder, access);
  if (!database.ok()) return database.error();
  std::unique_ptr<RocksStore> store(
      new RocksStore(folder, std::move(layouts).value(), std::move(database).value()));
  Status status = store->check_schema(tables, access != StoreAccess::kWrite);
  if (status.ok()) status = store->load_highest_lsn();
  // A damaged store cannot tell that.
  if (access == StoreAccess::kReadDamaged)
    store->empty_ = false;
  else if (status.ok())
    status = store->find_whether_empty();
  if (!status.ok()) return status.error();
  return store;
}

Status RocksStore::check_schema(const std::vector<TableConfig>& tables, bool read_only) {
  rocksdb::DB& db = database_->db();
  const std::string want = schema_of(tables, layouts_);
  std::string have;
  rocksdb::Status status = db.Get({}, database_->small_state(), kSchemaKey, &have);
  if (const Status found = find_whether_empty(); !found.ok() && !read_only) return found;
  if (status.IsNotFound() && !read_only && empty_)
    status = db.Put(synced(), database_->small_state(), kSchemaKey, have = want);
  if (status.IsNotFound())
    return Error{ErrorCode::kCorrupt, fmt::format("{} holds no tables", folder_.string())};
  if (!status.ok()) return to_error(status, "read the tables of", folder_);
  if (have == want) return Ok{};
  return Error{ErrorCode::kCorrupt,
               fmt::format("{} holds the tables {}, want {}", folder_.string(), have, want)};
}

Status RocksStore::load_highest_lsn() {
  std::string bytes;
  const rocksdb::Status status =
      database_->db().Get({}, database_->small_state(), kHighestLsnKey, &bytes);
  if (status.IsNotFound()) return Ok{};
  if (!status.ok()) return to_error(status, "read the highest lsn of", folder_);
  Lsn lsn = 0;
  if (bytes.size() != sizeof lsn)
    return Error{ErrorCode::kCorrupt, fmt::format("{}: bad highest lsn", folder_.string())};
  std::memcpy(&lsn, bytes.data(), sizeof lsn);
  highest_lsn_ = lsn;
  return Ok{};
}

Status RocksStore::find_whether_empty() {
  const std::unique_ptr<rocksdb::Iterator> at(database_->db().NewIterator({}, database_->rows()));
  at->SeekToFirst();
  empty_ = !at->Valid();
  if (!at->status().ok()) return to_error(at->status(), "read", folder_);
  return Ok{};
}

Status RocksStore::raise_highest_lsn(Lsn lsn) {
  if (lsn <= highest_lsn_) return Ok{};
  const std::string_view bytes(reinterpret_cast<const char*>(&lsn), sizeof lsn);
  const rocksdb::Status status =
      database_->db().Put(synced(), database_->small_state(), kHighestLsnKey, slice_of(bytes));
  if (!status.ok()) return to_error(status, "write the highest lsn of", folder_);
  highest_lsn_ = lsn;
  return Ok{};
}

Result<fs::path> RocksStore::write_flush_file(const FlushFile& run) const {
  const fs::path path = folder_ / kIncoming / "run.sst";
  const auto failed = [&](const rocksdb::Status& status) {
    std::error_code ignored;
    fs::remove(path, ignored);
    return to_error(status, "write", path);
  };
  rocksdb::SstFileWriter writer(rocksdb::EnvOptions(),
                                database_->db().GetOptions(database_->rows()), database_->rows());
  rocksdb::Status status = writer.Open(path.string());
  std::string value;
  for (size_t i = 0; i < run.rows.entries.size() && status.ok(); ++i) {
    const RowBatch::Entry& entry = run.rows.entries[i];
    check(i == 0 || run.rows.entries[i - 1].key < entry.key, "the rows of a run ascend");
    check(entry.lsn <= run.highest_lsn, "a run knows its highest lsn");
    const StoredKey key = encode_key(entry.key);
    if (entry.count == 0) {
      status = writer.Delete(slice_of(ps::view_of(key)));
      continue;
    }
    const std::span<const float> floats =
        std::span(run.rows.floats).subspan(entry.offset, layouts_[entry.key.table].floats());
    encode_value(entry, layouts_[entry.key.table], floats, value);
    status = writer.Put(slice_of(ps::view_of(key)), value);
  }
  if (status.ok()) status = writer.Finish();
  if (!status.ok()) return failed(status);
  return path;
}

Status RocksStore::save_flush_file(const FlushFile& run) {
  if (const Status saved = save_filters(run.filters_version, run.filters); !saved.ok())
    return saved;
  if (run.rows.entries.empty()) return Ok{};
  const Result<fs::path> file = write_flush_file(run);
  if (!file.ok()) return file.error();
  fault_point("store.run_written");
  // Before the rows: after a crash between the two it is too high, which costs nothing; too low
  // would give an lsn twice.
  if (const Status raised = raise_highest_lsn(run.highest_lsn); !raised.ok()) return raised;

  fault_point("store.highest_lsn_raised");

  rocksdb::IngestExternalFileOptions options;
  options.move_files = true;           // a rename instead of a copy
  options.write_global_seqno = false;  // the file is not touched again: checkpoints link to it
  options.snapshot_consistency =
      false;  // no snapshots are taken, so there is no memtable to flush for one
  const rocksdb::Status status =
      database_->db().IngestExternalFile(database_->rows(), {file.value().string()}, options);
  std::error_code ignored;
  fs::remove(file.value(), ignored);  // still there where the file system could not link
  if (!status.ok()) return to_error(status, "take a run into", folder_);
  fault_point("store.run_ingested");
  const auto& entries = run.rows.entries;
  if (std::any_of(entries.begin(), entries.end(), [](const auto& e) { return e.count > 0; }))
    empty_ = false;
  return Ok{};
}

Result<RowBatch> RocksStore::read(std::span<const RowKey> keys) const {
  constexpr size_t kChunk = 1024;  // bounds what is pinned at a time
  RowBatch rows;
  std::vector<StoredKey> stored(kChunk);
  std::vector<rocksdb::Slice> slices(kChunk);
  std::vector<rocksdb::PinnableSlice> values(kChunk);
  std::vector<rocksdb::Status> statuses(kChunk);
  for (size_t first = 0; first < keys.size(); first += kChunk) {
    const size_t n = std::min(kChunk, keys.size() - first);
    for (size_t i = 0; i < n; ++i) {
      // RocksDB would abort on keys out of order with a message about its own insides.
      check(first + i == 0 || keys[first + i - 1] < keys[first + i], "keys of a read ascend");
      stored[i] = encode_key(keys[first + i]);
      slices[i] = slice_of(ps::view_of(stored[i]));
      values[i].Reset();
    }
    database_->db().MultiGet({}, database_->rows(), n, slices.data(), values.data(),
                             statuses.data(), /*sorted_input=*/true);
    for (size_t i = 0; i < n; ++i) {
      if (statuses[i].IsNotFound()) continue;
      if (!statuses[i].ok()) return to_error(statuses[i], "read rows from", folder_);
      const RowKey& key = keys[first + i];
      if (!decode_value(key, view_of(values[i]), layouts_[key.table], rows))
        return damaged_row(folder_, key, fmt::format("{} bytes", values[i].size()));
    }
  }
  return rows;
}

Result<RowBatch> RocksStore::scan_for(std::span<const RowKey> keys) const {
  RowBatch rows;
  if (keys.empty()) return rows;
  const StoredKey last = first_key_of_slot(slot_of(keys.back().key) + 1);
  const rocksdb::Slice upper = slice_of(ps::view_of(last));
  const std::unique_ptr<rocksdb::Iterator> at(
      database_->db().NewIterator(scan_options(&upper), database_->rows()));
  StoredKey wanted = encode_key(keys.front());
  at->Seek(slice_of(ps::view_of(wanted)));
  uint32_t passed = 0;
  for (size_t i = 0; i < keys.size() && at->Valid();) {
    const int order = at->key().compare(slice_of(ps::view_of(wanted)));
    if (order < 0) {
      if (++passed < kPassedMax)
        at->Next();
      else
        at->Seek(slice_of(ps::view_of(wanted)));
      continue;
    }
    passed = 0;
    if (order == 0 && !decode_value(keys[i], view_of(at->value()), layouts_[keys[i].table], rows))
      return damaged_row(folder_, keys[i], fmt::format("{} bytes", at->value().size()));
    if (++i == keys.size()) break;
    check(keys[i - 1] < keys[i], "keys of a read ascend");
    wanted = encode_key(keys[i]);
  }
  if (!at->status().ok()) return to_error(at->status(), "read rows from", folder_);
  return rows;
}

Status RocksStore::scan(SlotRange slots, const std::function<Status(const StoredRow&)>& row) const {
  if (slots.first >= slots.last) return Ok{};
  const StoredKey last = first_key_of_slot(slots.last);
  const rocksdb::Slice upper = slice_of(ps::view_of(last));
  const std::unique_ptr<rocksdb::Iterator> at(
      database_->db().NewIterator(scan_options(&upper), database_->rows()));
  RowBatch one;
  for (at->Seek(slice_of(ps::view_of(first_key_of_slot(slots.first)))); at->Valid(); at->Next()) {
    const std::optional<RowKey> key = decode_key(view_of(at->key()));
    if (!key || key->table >= layouts_.size())
      return Error{ErrorCode::kCorrupt,
                   fmt::format("{} holds the key {}, which is of no table", folder_.string(),
                               at->key().ToString(/*hex=*/true))};
    one.entries.clear();
    one.floats.clear();
    if (!decode_value(*key, view_of(at->value()), layouts_[key->table], one))
      return damaged_row(folder_, *key, fmt::format("{} bytes", at->value().size()));
    const Status seen = row({one.entries[0], one.floats});
    if (!seen.ok()) return seen;
  }
  if (!at->status().ok()) return to_error(at->status(), "read rows from", folder_);
  return Ok{};
}

std::vector<RocksStore::RowFile> RocksStore::row_files() const {
  rocksdb::ColumnFamilyMetaData family;
  database_->db().GetColumnFamilyMetaData(database_->rows(), &family);
  std::vector<RowFile> files;
  for (const rocksdb::LevelMetaData& level : family.levels)
    for (const rocksdb::SstFileMetaData& file : level.files) {
      const auto first = decode_key(file.smallestkey), last = decode_key(file.largestkey);
      files.push_back({folder_ / file.relative_filename,
                       {first.has_value() ? slot_of(first->key) : 0,
                        last.has_value() ? slot_of(last->key) + 1 : kSlots}});
    }
  return files;
}

Result<ShardFiles> RocksStore::checkpoint(const fs::path& folder) {
  // A process that died after it had written it was not heard: the same request has come again.
  std::error_code error;
  if (fs::exists(folder / "CURRENT", error)) fs::remove_all(folder, error);
  if (error) return system_error("replace", folder, error.value());

  rocksdb::Checkpoint* made = nullptr;
  rocksdb::Status status = rocksdb::Checkpoint::Create(&database_->db(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  // 0: the small state is flushed into a file first, so that no log need be copied.
  if (status.ok()) status = checkpoint->CreateCheckpoint(folder.string(), 0);
  if (!status.ok()) return to_error(status, "write the checkpoint", folder);
  fault_point("store.checkpoint_linked");

  ShardFiles files;
  fs::directory_iterator entry(folder, error);
  for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
    if (const Status synced = sync_path(entry->path()); !synced.ok()) return synced.error();
    const uint64_t bytes = entry->file_size(error);
    if (error) return system_error("examine", entry->path(), error.value());
    files.files.push_back({entry->path().filename(), bytes});
  }
  if (error) return system_error("list", folder, error.value());
  for (const fs::path& path : {folder, folder.parent_path()})
    if (const Status synced = sync_path(path); !synced.ok()) return synced.error();
  fault_point("store.checkpoint_synced");
  std::sort(files.files.begin(), files.files.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return files;
}

uint64_t RocksStore::number(const char* property) const {
  uint64_t number = 0;
  std::string text;
  if (database_->db().GetProperty(database_->rows(), property, &text)) number = std::stoull(text);
  return number;
}

uint64_t RocksStore::rows_estimate() const { return number("rocksdb.estimate-num-keys"); }

uint64_t RocksStore::compacted_bytes() const { return database_->compacted_bytes(); }

uint32_t RocksStore::backlog() const {
  return static_cast<uint32_t>(number("rocksdb.num-files-at-level0"));
}

}  // namespace cairn::ps
