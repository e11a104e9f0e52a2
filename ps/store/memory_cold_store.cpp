#include "ps/store/memory_cold_store.h"

#include <memory>
#include <utility>

#include "common/check.h"

namespace cairn::ps {

namespace {
void append(const MemoryColdStore::StoredValue& value, RowBatch& batch) {
  batch.entries.push_back(value.entry);
  batch.entries.back().offset = batch.floats.size();
  batch.floats.insert(batch.floats.end(), value.floats.begin(), value.floats.end());
}
}  // namespace

MemoryColdStore::MemoryColdStore(std::vector<RowLayout> layouts) : layouts_(std::move(layouts)) {}

void MemoryColdStore::read(std::vector<RowKey> keys, std::function<void(Result<RowBatch>)> done) {
  const auto fail = [done](const Error& error) { done(error); };
  looks_at_once_ = !looks_at_once_;
  if (looks_at_once_)
    calls_.push_back({[found = read_now(keys), done] { done(found); }, fail});
  else
    calls_.push_back({[this, keys = std::move(keys), done] { done(read_now(keys)); }, fail});
}

void MemoryColdStore::scan(std::vector<uint32_t> slots,
                           std::function<void(Result<RowBatch>)> done) {
  calls_.push_back({[this, slots = std::move(slots), done] { done(scan_now(slots)); },
                    [done](const Error& error) { done(error); }});
}

void MemoryColdStore::save_flush_file(FlushFile run, std::function<void(Status)> done) {
  auto shared = std::make_shared<const FlushFile>(std::move(run));
  calls_.push_back({[this, run = std::move(shared), done] {
                      save_now(*run);
                      done(Ok{});
                    },
                    [done](const Error& error) { done(error); }});
}

void MemoryColdStore::drop_filters(Lsn below, std::function<void(Status)> done) {
  calls_.push_back({[this, below, done] {
                      filters_.erase(filters_.begin(), filters_.lower_bound(below));
                      done(Ok{});
                    },
                    [done](const Error& error) { done(error); }});
}

std::vector<SlotFilter> MemoryColdStore::filters(Lsn version) const {
  std::vector<SlotFilter> filters;
  if (const auto found = filters_.find(version); found != filters_.end())
    for (const auto& [at, counters] : found->second)
      filters.push_back({at.first, at.second, counters});
  return filters;
}

void MemoryColdStore::checkpoint(const std::filesystem::path& folder,
                                 std::function<void(Result<ShardFiles>)> done) {
  calls_.push_back({[this, folder, done] { done(checkpoint_now(folder)); },
                    [done](const Error& error) { done(error); }});
}

MemoryColdStore::Call MemoryColdStore::take(size_t index) {
  check(index < calls_.size(), "a call is under way");
  Call call = std::move(calls_[index]);
  calls_.erase(calls_.begin() + static_cast<std::ptrdiff_t>(index));
  return call;
}

void MemoryColdStore::complete(size_t index) { take(index).run(); }

void MemoryColdStore::complete_all() {
  while (!calls_.empty()) complete();  // completions may ask for more
}

void MemoryColdStore::fail(size_t index, const Error& error) { take(index).fail(error); }

Result<RowBatch> MemoryColdStore::read_now(const std::vector<RowKey>& keys) const {
  RowBatch batch;
  for (size_t i = 0; i < keys.size(); ++i) {
    check(i == 0 || keys[i - 1] < keys[i], "keys of a read ascend");
    const auto found = rows_.find(keys[i]);
    if (found != rows_.end()) append(found->second, batch);
  }
  return batch;
}

Result<RowBatch> MemoryColdStore::scan_now(const std::vector<uint32_t>& slots) const {
  check(std::is_sorted(slots.begin(), slots.end()), "slots of a scan ascend");
  RowBatch batch;
  for (const auto& [key, value] : rows_)
    if (std::binary_search(slots.begin(), slots.end(), slot_of(key.key))) append(value, batch);
  return batch;
}

void MemoryColdStore::save_now(const FlushFile& run) {
  for (const SlotFilter& filter : run.filters)
    filters_[run.filters_version][{filter.table, filter.slot}] = filter.counters;
  const auto& entries = run.rows.entries;
  for (size_t i = 0; i < entries.size(); ++i) {
    check(i == 0 || entries[i - 1].key < entries[i].key, "the rows of a run ascend");
    check(entries[i].lsn <= run.highest_lsn, "a run knows its highest lsn");
    if (entries[i].count == 0) {
      rows_.erase(entries[i].key);
      continue;
    }
    const float* const first = run.rows.floats.data() + entries[i].offset;
    rows_[entries[i].key] = {entries[i], {first, first + layouts_[entries[i].key.table].floats()}};
  }
}

Result<ShardFiles> MemoryColdStore::checkpoint_now(const std::filesystem::path& folder) {
  checkpoints_[folder] = rows_;
  uint64_t bytes = 0;
  for (const auto& [key, value] : rows_) bytes += 28 + value.floats.size() * sizeof(float);
  return ShardFiles{{{"rows", bytes}}};
}

const MemoryColdStore::Rows* MemoryColdStore::rows_in(const std::filesystem::path& folder) const {
  const auto found = checkpoints_.find(folder);
  return found == checkpoints_.end() ? nullptr : &found->second;
}

}  // namespace cairn::ps
