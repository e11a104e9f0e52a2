// Admission filters in the small state of a RocksStore, a value a version, table and slot.
#include <fmt/format.h>
#include <rocksdb/write_batch.h>

#include <limits>
#include <map>

#include "ps/row/row_codec.h"
#include "ps/store/rocks_database.h"
#include "ps/store/rocks_store.h"

namespace cairn::ps {

namespace {

// Bytes of a batch: RocksDB holds it in memory, and in its own log.
constexpr size_t kBatchBytes = 4 << 20;

rocksdb::Slice slice_of(std::string_view bytes) { return {bytes.data(), bytes.size()}; }

}  // namespace

Status RocksStore::save_filters(Lsn version, std::span<const SlotFilter> filters) {
  rocksdb::WriteOptions synced;
  synced.sync = true;
  rocksdb::WriteBatch batch;
  rocksdb::Status status;
  for (size_t i = 0; i < filters.size() && status.ok(); ++i) {
    const SlotFilter& filter = filters[i];
    const StoredFilterKey key = encode_filter_key({version, filter.table, filter.slot});
    status =
        batch.Put(database_->small_state(), slice_of({key.data(), key.size()}), filter.counters);
    if (!status.ok() || (i + 1 < filters.size() && batch.GetDataSize() < kBatchBytes)) continue;
    status = database_->db().Write(synced, &batch);
    batch.Clear();
  }
  return status.ok() ? Status(Ok{}) : to_error(status, "write filters to", folder_);
}

Status RocksStore::drop_filters(Lsn below) {
  const StoredFilterKey first = encode_filter_key({}), last = encode_filter_key({below, 0, 0});
  const rocksdb::Status status = database_->db().DeleteRange({}, database_->small_state(),
                                                             slice_of({first.data(), first.size()}),
                                                             slice_of({last.data(), last.size()}));
  return status.ok() ? Status(Ok{}) : to_error(status, "drop filters of", folder_);
}

// Versions first..last, ascending by (version, table, slot).
Status RocksStore::scan_filters(Lsn first, Lsn last,
                                const std::function<void(SlotFilter)>& filter) const {
  const StoredFilterKey from = encode_filter_key({first, 0, 0});
  const std::unique_ptr<rocksdb::Iterator> at(
      database_->db().NewIterator({}, database_->small_state()));
  for (at->Seek(slice_of({from.data(), from.size()})); at->Valid(); at->Next()) {
    const auto key = decode_filter_key({at->key().data(), at->key().size()});
    if (!key.has_value() || key->version > last) break;  // other small state stands behind
    filter({key->table, key->slot, at->value().ToString()});
  }
  return at->status().ok() ? Status(Ok{}) : to_error(at->status(), "read filters of", folder_);
}

Result<std::vector<SlotFilter>> RocksStore::filters(Lsn version) const {
  std::vector<SlotFilter> filters;
  const Status read = scan_filters(
      version, version, [&](SlotFilter filter) { filters.push_back(std::move(filter)); });
  if (!read.ok()) return read.error();
  return filters;
}

Result<std::vector<SlotFilter>> RocksStore::newest_filters(SlotRange slots) const {
  std::map<std::pair<uint32_t, uint32_t>, std::string> newest;
  const Status read = scan_filters(0, std::numeric_limits<Lsn>::max(), [&](SlotFilter filter) {
    if (slots.contains(filter.slot))
      newest[{filter.table, filter.slot}] = std::move(filter.counters);
  });
  if (!read.ok()) return read.error();
  std::vector<SlotFilter> filters;
  for (auto& [at, counters] : newest) filters.push_back({at.first, at.second, std::move(counters)});
  return filters;
}

}  // namespace cairn::ps
