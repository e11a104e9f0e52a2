#include "ps/store/checkpoint_store.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <system_error>

#include "common/file.h"

namespace cairn::ps {

namespace fs = std::filesystem;

namespace {

constexpr size_t kRunBytes = 64 << 20;  // of rows that are copied at a time

Error corrupt(const fs::path& path, std::string_view why) {
  return {ErrorCode::kCorrupt, fmt::format("{}: {}", path.string(), why)};
}

// Rows are their floats: a table of another dim or optimizer is another table. What may change
// between runs, such as a learning rate, is not compared.
Status check_tables(const CheckpointSource& source, const std::vector<TableConfig>& tables) {
  const auto& have = source.manifest.tables;
  for (size_t i = 0; i < std::max(have.size(), tables.size()); ++i) {
    if (i >= have.size())
      return corrupt(source.folder, fmt::format("holds no table '{}'", tables[i].name));
    const auto described = [](const TableConfig& table) {
      return fmt::format("'{}' of dim {} with {}{}", table.name, table.dim, table.optimizer.name,
                         holds_created_step(table) ? " and expiry.age_steps" : "");
    };
    const std::string want = i < tables.size() ? described(tables[i]) : "nothing";
    if (described(have[i]) != want)
      return corrupt(source.folder,
                     fmt::format("table {} is {}, want {}", i, described(have[i]), want));
  }
  return Ok{};
}

// The shards that hold some of `slots`, in the order of slots. Errors: kCorrupt if some are in
// none.
Result<std::vector<CheckpointShard>> shards_of(const CheckpointSource& source, SlotRange slots) {
  std::vector<CheckpointShard> shards;
  for (const CheckpointShard& shard : source.manifest.shards)
    if (shard.slots.first < slots.last && slots.first < shard.slots.last) shards.push_back(shard);
  std::sort(shards.begin(), shards.end(),
            [](const auto& a, const auto& b) { return a.slots.first < b.slots.first; });
  uint32_t next = slots.first;
  for (const CheckpointShard& shard : shards) {
    if (shard.slots.first > next) break;
    next = std::max(next, shard.slots.last);
  }
  if (next < slots.last)
    return corrupt(source.folder, fmt::format("slots from {} on are in no shard", next));
  return shards;
}

// A store can lack a file and open all the same, as RocksDB reads most of them later.
Status check_files(const CheckpointSource& source, const CheckpointShard& shard) {
  bool any = false;
  for (const CheckpointFile& file : source.manifest.files) {
    if (!file.name.starts_with(shard.folder + "/")) continue;
    any = true;
    const fs::path path = source.folder / file.name;
    std::error_code error;
    const uint64_t bytes = fs::file_size(path, error);
    if (error) return system_error("read", path, error.value());
    if (bytes != file.bytes)
      return corrupt(path, fmt::format("has {} bytes, want {}", bytes, file.bytes));
  }
  if (!any) return corrupt(source.folder, fmt::format("lists no file of {}", shard.folder));
  return Ok{};
}

Status link_or_copy(const fs::path& from, const fs::path& to) {
  std::error_code error;
  // Table files never change once written. RocksDB's other files are small, and some are appended
  // to.
  if (from.extension() == ".sst") {
    fs::create_hard_link(from, to, error);
    if (!error) return Ok{};
  }
  fs::copy_file(from, to, error);
  if (error) return system_error(fmt::format("copy {} to", from.string()), to, error.value());
  return sync_path(to);
}

Status link_shard(const CheckpointSource& source, const CheckpointShard& shard,
                  const fs::path& folder) {
  for (const CheckpointFile& file : source.manifest.files) {
    if (!file.name.starts_with(shard.folder + "/")) continue;
    const fs::path from = source.folder / file.name;
    const Status linked = link_or_copy(from, folder / from.filename());
    if (!linked.ok()) return linked;
  }
  return sync_path(folder);
}

// Gathers rows that come in order and saves them one flush file at a time.
class RunWriter {
 public:
  explicit RunWriter(RocksStore& store) : store_(store) {}

  Status add(const StoredRow& row) {
    RowBatch::Entry entry = row.entry;
    entry.offset = run_.rows.floats.size();
    run_.rows.entries.push_back(entry);
    run_.rows.floats.insert(run_.rows.floats.end(), row.floats.begin(), row.floats.end());
    run_.highest_lsn = std::max(run_.highest_lsn, entry.lsn);
    const size_t bytes =
        run_.rows.entries.size() * sizeof(entry) + run_.rows.floats.size() * sizeof(float);
    return bytes < kRunBytes ? Status(Ok{}) : save();
  }
  Status save() {
    const Status saved = store_.save_flush_file(run_);
    run_.rows.entries.clear();
    run_.rows.floats.clear();
    return saved;
  }

 private:
  RocksStore& store_;
  FlushFile run_;
};

Status copy_rows(const CheckpointSource& source, const std::vector<CheckpointShard>& shards,
                 const std::vector<TableConfig>& tables, SlotRange slots, RocksStore& store) {
  RunWriter writer(store);
  for (const CheckpointShard& shard : shards) {
    const auto opened = RocksStore::open_read_only(source.folder / shard.folder, tables);
    if (!opened.ok()) return opened.error();
    const SlotRange part = {std::max(slots.first, shard.slots.first),
                            std::min(slots.last, shard.slots.last)};
    const Status scanned =
        opened.value()->scan(part, [&](const StoredRow& row) { return writer.add(row); });
    if (!scanned.ok()) return scanned;
    // Also above the lsns of rows that were deleted there.
    const Status raised = store.raise_highest_lsn(opened.value()->highest_lsn());
    if (!raised.ok()) return raised;
  }
  return writer.save();
}

// The counts of the checkpoint's shards, under the lsn that the new log starts from.
Status copy_filters(const CheckpointSource& source, const std::vector<CheckpointShard>& shards,
                    const std::vector<TableConfig>& tables, SlotRange slots, MadeStore& made) {
  for (const CheckpointShard& shard : shards) {
    const auto opened = RocksStore::open_read_only(source.folder / shard.folder, tables);
    if (!opened.ok()) return opened.error();
    const SlotRange part = {std::max(slots.first, shard.slots.first),
                            std::min(slots.last, shard.slots.last)};
    Result<std::vector<SlotFilter>> filters = opened.value()->newest_filters(part);
    if (!filters.ok()) return filters.error();
    std::ranges::move(filters.value(), std::back_inserter(made.filters));
  }
  if (made.filters.empty()) return Ok{};
  // Files that were linked hold the versions of another log.
  if (const Status dropped = made.store->drop_filters(std::numeric_limits<Lsn>::max());
      !dropped.ok())
    return dropped;
  return made.store->save_filters(made.next_lsn - 1, made.filters);
}

Result<MadeStore> fill_store(const fs::path& folder, const std::vector<TableConfig>& tables,
                             SlotRange slots, const std::optional<CheckpointSource>& source) {
  std::vector<CheckpointShard> shards;
  if (source) {
    if (const Status same = check_tables(*source, tables); !same.ok()) return same.error();
    Result<std::vector<CheckpointShard>> found = shards_of(*source, slots);
    if (!found.ok()) return found.error();
    shards = std::move(found).value();
    for (const CheckpointShard& shard : shards)
      if (const Status files = check_files(*source, shard); !files.ok()) return files.error();
  }
  const bool link = shards.size() == 1 && shards[0].slots == slots;
  if (link)
    if (const Status linked = link_shard(*source, shards[0], folder); !linked.ok())
      return linked.error();
  Result<std::unique_ptr<RocksStore>> store = RocksStore::open(folder, tables);
  if (!store.ok()) return store.error();
  if (source && !link) {
    const Status copied = copy_rows(*source, shards, tables, slots, *store.value());
    if (!copied.ok()) return copied.error();
  }
  MadeStore made;
  made.store = std::move(store).value();
  made.next_lsn = made.store->highest_lsn() + 1;
  made.applied_step = source ? source->manifest.step : 0;
  if (source) {
    const Status copied = copy_filters(*source, shards, tables, slots, made);
    if (!copied.ok()) return copied.error();
  }
  return made;
}

}  // namespace

Result<MadeStore> make_store(const fs::path& folder, const std::vector<TableConfig>& tables,
                             SlotRange slots, const std::optional<CheckpointSource>& source) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return system_error("create", folder, error.value());
  if (!fs::is_empty(folder, error) || error)
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{} already holds a store", folder.string())};
  Result<MadeStore> made = fill_store(folder, tables, slots, source);
  if (!made.ok()) fs::remove_all(folder, error);
  return made;
}

Status for_each_row(const CheckpointSource& source,
                    const std::function<Status(const StoredRow&)>& row) {
  const Result<std::vector<CheckpointShard>> shards = shards_of(source, {0, kSlots});
  if (!shards.ok()) return shards.error();
  for (const CheckpointShard& shard : shards.value()) {
    if (const Status files = check_files(source, shard); !files.ok()) return files;
    const auto store =
        RocksStore::open_read_only(source.folder / shard.folder, source.manifest.tables);
    if (!store.ok()) return store.error();
    if (const Status scanned = store.value()->scan(shard.slots, row); !scanned.ok()) return scanned;
  }
  return Ok{};
}

Result<RowBatch> find_row(const CheckpointSource& source, const RowKey& key) {
  const uint32_t slot = slot_of(key.key);
  const Result<std::vector<CheckpointShard>> shards = shards_of(source, {slot, slot + 1});
  if (!shards.ok()) return shards.error();
  const CheckpointShard& shard = shards.value().front();
  if (const Status files = check_files(source, shard); !files.ok()) return files.error();
  const auto store =
      RocksStore::open_read_only(source.folder / shard.folder, source.manifest.tables);
  if (!store.ok()) return store.error();
  return store.value()->read({&key, 1});
}

Result<std::vector<RowDigest>> digest(const CheckpointSource& source) {
  std::vector<RowDigest> digests(source.manifest.tables.size());
  const Status read = for_each_row(source, [&](const StoredRow& row) -> Status {
    digests[row.entry.key.table].add(row.entry.key, row.entry.last_step, row.entry.count,
                                     row.floats);
    return Ok{};
  });
  if (!read.ok()) return read.error();
  return digests;
}

}  // namespace cairn::ps
