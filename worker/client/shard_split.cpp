#include "worker/client/shard_split.h"

#include <cstring>
#include <map>
#include <utility>

#include "common/values.h"

namespace cairn::client {

ShardSplit::ShardSplit(std::span<const std::vector<Key>> keys, const SlotMap& slots,
                       std::span<const std::vector<uint64_t>> known)
    : entries_(slots.shards) {
  for (uint32_t t = 0; t < keys.size(); ++t) {
    const size_t count = keys[t].size();
    counts_.push_back(count);
    if (known.empty() || known[t].empty()) {
      for (auto& entries : entries_) {
        entries.push_back({t, 0, {}});
        entries.back().places.reserve(count / slots.shards * 9 / 8 + 16);
      }
      for (uint32_t i = 0; i < count; ++i)
        entries_[slots.shard_of(keys[t][i])].back().places.push_back(i);
      for (auto& entries : entries_)
        if (entries.back().places.empty()) entries.pop_back();
      continue;
    }
    std::vector<std::map<uint64_t, std::vector<uint32_t>>> by_step(slots.shards);
    for (uint32_t i = 0; i < count; ++i)
      by_step[slots.shard_of(keys[t][i])][known[t][i]].push_back(i);
    for (uint32_t s = 0; s < slots.shards; ++s)
      for (auto& [step, places] : by_step[s]) entries_[s].push_back({t, step, std::move(places)});
  }
}

void ShardSplit::write_keys(uint32_t shard, std::span<const std::vector<Key>> keys,
                            std::span<const uint32_t> dims, ValueType type,
                            Message& message) const {
  size_t count = 0;
  for (const Entry& its : entries_[shard]) {
    TableEntry entry;
    entry.table = its.table;
    entry.count = static_cast<uint32_t>(its.places.size());
    entry.dim = dims[its.table];
    entry.dtype = type;
    entry.changed_since = its.changed_since;
    message.directory.push_back(entry);
    count += entry.count;
  }
  message.header.tables = static_cast<uint32_t>(message.directory.size());
  message.keys = zmq::message_t(count * sizeof(Key));
  char* to = static_cast<char*>(message.keys.data());
  for (const Entry& its : entries_[shard])
    for (const uint32_t place : its.places) {
      std::memcpy(to, &keys[its.table][place], sizeof(Key));
      to += sizeof(Key);
    }
}

zmq::message_t ShardSplit::gather(uint32_t shard, std::span<const std::vector<float>> gradients,
                                  std::span<const uint32_t> dims, ValueType type) const {
  size_t count = 0;
  for (const Entry& its : entries_[shard]) count += its.places.size() * dims[its.table];
  zmq::message_t values(count * size_of(type));
  char* to = static_cast<char*>(values.data());
  for (const Entry& its : entries_[shard]) {
    const uint32_t dim = dims[its.table];
    for (const uint32_t place : its.places) {
      narrow(gradients[its.table].data() + size_t{place} * dim, type, to, dim);
      to += dim * size_of(type);
    }
  }
  return values;
}

void ShardSplit::scatter(uint32_t shard, const Message& reply, std::span<const uint32_t> dims,
                         ValueType type, std::span<std::vector<float>> rows,
                         std::span<std::vector<uint8_t>> kept) const {
  const char* from = static_cast<const char*>(reply.values.data());
  const auto* unchanged = reply.keys.data<uint8_t>();
  for (size_t e = 0; e < reply.directory.size(); ++e) {
    const TableEntry& entry = reply.directory[e];
    const std::vector<uint32_t>& places = entries_[shard][e].places;
    const uint32_t dim = dims[entry.table];
    const bool all = entry.changed_since == 0;
    for (size_t i = 0; i < places.size(); ++i) {
      if (!all && is_unchanged(unchanged, i)) continue;
      widen(from, type, rows[entry.table].data() + size_t{places[i]} * dim, dim);
      if (!kept.empty()) kept[entry.table][places[i]] = 0;
      from += dim * size_of(type);
    }
    unchanged += unchanged_bytes(entry);
  }
}

}  // namespace cairn::client
