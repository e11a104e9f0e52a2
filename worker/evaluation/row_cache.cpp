#include "worker/evaluation/row_cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/check.h"
#include "worker/math/device/device.h"
#include "worker/math/tensor/padding.h"

namespace cairn::evaluation {
namespace {

constexpr uint32_t kNone = RowDirectory::kNone;
constexpr size_t kPrefetchAhead = 16;  // keys

size_t bytes_of_row(uint32_t dim) { return dim * sizeof(float) + RowDirectory::kBytesOfAPlace; }

}  // namespace

RowCache::RowCache(const math::Ops& ops, std::vector<uint32_t> table_dims,
                   std::vector<uint32_t> table_of_bag, uint64_t bytes)
    : ops_(ops),
      memory_(ops.memory()),
      device_(dynamic_cast<math::Device*>(&memory_)),
      table_of_bag_(std::move(table_of_bag)),
      bytes_(bytes),
      tables_(table_dims.size()),
      views_(table_dims.size()) {
  for (size_t t = 0; t < tables_.size(); ++t) tables_[t].dim = table_dims[t];
}

RowCache::~RowCache() {
  for (const Table& table : tables_)
    if (table.rows != nullptr) memory_.free(table.rows, table.floats() * sizeof(float));
  if (moves_here_ != nullptr) memory_.free(moves_here_, moves_room_ * sizeof(math::RowMove));
}

// Half of the rows are dealt evenly, half as those of the batch are.
void RowCache::share_bytes(const features::Batch& batch) {
  is_shared_ = true;
  uint64_t keys = 1;
  for (const std::vector<Key>& its : batch.keys) keys += its.size();
  std::vector<double> parts;
  double all = 0;
  for (size_t t = 0; t < tables_.size(); ++t) {
    parts.push_back(1.0 / static_cast<double>(tables_.size()) +
                    static_cast<double>(batch.keys[t].size()) / static_cast<double>(keys));
    all += parts.back() * static_cast<double>(bytes_of_row(tables_[t].dim));
  }
  for (size_t t = 0; t < tables_.size(); ++t) {
    const double rows = parts[t] / all * static_cast<double>(bytes_);
    tables_[t].directory = RowDirectory(static_cast<uint32_t>(std::min(rows, 1e9)));
  }
}

RowCache::Wanted RowCache::want(features::Batch& batch, uint64_t step) {
  check(batch.keys.size() == tables_.size() && batch.bags.size() == table_of_bag_.size(),
        "a batch of the tables and bags of the cache");
  check(step < UINT32_MAX, "more steps than rows count");
  if (!is_shared_) share_bytes(batch);
  Wanted wanted;
  wanted.number_ = ++wanted_;
  wanted.known.resize(tables_.size());
  wanted.asked_.resize(tables_.size());
  for (uint32_t t = 0; t < tables_.size(); ++t)
    want_of_table(t, batch, static_cast<uint32_t>(step), wanted);
  return wanted;
}

void RowCache::want_of_table(uint32_t t, features::Batch& batch, uint32_t step, Wanted& wanted) {
  RowDirectory& directory = tables_[t].directory;
  std::vector<uint32_t>& asked = wanted.asked_[t];
  std::vector<Key>& keys = batch.keys[t];
  tables_[t].most_keys = std::max(tables_[t].most_keys, keys.size());
  if (directory.places() == 0) {  // the bags are right as they are
    asked.assign(keys.size(), kNone);
    return;
  }
  std::vector<uint64_t>& known = wanted.known[t];
  bool any_known = false;
  index_of_.resize(keys.size());
  for (size_t i = 0; i < std::min(kPrefetchAhead, keys.size()); ++i) directory.prefetch(keys[i]);
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i + kPrefetchAhead < keys.size()) directory.prefetch(keys[i + kPrefetchAhead]);
    const Key key = keys[i];
    const auto [place, changed_since, is_here] = directory.find_or_admit(key, step, wanted.number_);
    index_of_[i] =
        place != kNone ? place : directory.places() + static_cast<uint32_t>(asked.size());
    if (is_here && changed_since == step) continue;
    keys[asked.size()] = key;  // never behind i
    asked.push_back(place);
    known.push_back(changed_since);
    any_known |= changed_since > 0;
  }
  wanted.found += keys.size() - asked.size();
  keys.resize(asked.size());
  if (!any_known) known.clear();
  for (size_t b = 0; b < batch.bags.size(); ++b) {
    if (table_of_bag_[b] != t) continue;
    for (uint32_t& index : batch.bags[b].index) index = index_of_[index];
  }
}

void RowCache::copy(void* to, const void* from, size_t bytes) {
  if (bytes == 0) return;
  if (device_ != nullptr) {
    device_->copy(device_->stream(), to, from, bytes);
  } else {
    std::memcpy(to, from, bytes);
  }
}

void RowCache::make_room(Table& table) {
  if (table.rows != nullptr && table.most_keys <= table.room) return;
  const size_t kept = size_t{table.directory.places()} * table.dim;
  // Kept rows are there twice for a moment: seldom, with so much to spare.
  const size_t room = math::padded(table.most_keys + table.most_keys / 2 + 1);
  auto* larger = static_cast<float*>(memory_.allocate((kept + room * table.dim) * sizeof(float)));
  if (table.rows != nullptr) {
    copy(larger, table.rows, kept * sizeof(float));  // which `free` waits for
    memory_.free(table.rows, table.floats() * sizeof(float));
  }
  table.rows = larger;
  table.room = room;
}

uint64_t RowCache::take(const Wanted& wanted, std::span<const std::vector<float>> rows,
                        std::span<const std::vector<uint8_t>> kept) {
  check(wanted.number_ == ++taken_, "batches are taken in the order that they were wanted in");
  uint64_t confirmed = 0;
  moves_.clear();
  std::vector<size_t> moves_of(tables_.size());
  for (size_t t = 0; t < tables_.size(); ++t) {
    const uint32_t places = tables_[t].directory.places();
    const std::vector<uint32_t>& asked = wanted.asked_[t];
    check(rows[t].size() == asked.size() * tables_[t].dim, "the rows that were asked for");
    const size_t before = moves_.size();
    for (uint32_t i = 0; i < asked.size(); ++i) {
      confirmed += kept[t][i];
      if (asked[i] == kNone || kept[t][i] != 0) continue;
      moves_.push_back({places + i, asked[i]});
    }
    moves_of[t] = moves_.size() - before;
  }
  place_rows(rows, moves_of);
  return confirmed;
}

void RowCache::place_rows(std::span<const std::vector<float>> rows,
                          std::span<const size_t> moves_of) {
  if (moves_.size() > moves_room_) {
    if (moves_here_ != nullptr) memory_.free(moves_here_, moves_room_ * sizeof(math::RowMove));
    moves_room_ = math::padded(moves_.size());
    moves_here_ =
        static_cast<math::RowMove*>(memory_.allocate(moves_room_ * sizeof(math::RowMove)));
  }
  if (!moves_.empty()) memory_.write(moves_here_, std::span<const math::RowMove>(moves_));
  std::span<const math::RowMove> left(moves_here_, moves_.size());
  for (size_t t = 0; t < tables_.size(); ++t) {
    Table& table = tables_[t];
    make_room(table);
    views_[t] = {table.rows, table.floats()};
    copy(table.rows + size_t{table.directory.places()} * table.dim, rows[t].data(),
         rows[t].size() * sizeof(float));
    const math::Matrix all(table.rows, table.floats() / table.dim, table.dim);
    if (moves_of[t] > 0) ops_.move_rows(left.first(moves_of[t]), all);
    left = left.subspan(moves_of[t]);
  }
}

}  // namespace cairn::evaluation
