#include "worker/client/shard_split.h"

#include <cstring>

#include "common/values.h"

namespace cairn {

ShardSplit::ShardSplit(std::span<const std::vector<Key>> keys, const SlotMap& slots)
    : places_(keys.size(), std::vector<std::vector<uint32_t>>(slots.shards)) {
  for (size_t t = 0; t < keys.size(); ++t) {
    for (auto& places : places_[t]) places.reserve(keys[t].size() / slots.shards * 9 / 8 + 16);
    for (uint32_t i = 0; i < keys[t].size(); ++i)
      places_[t][slots.shard_of(keys[t][i])].push_back(i);
  }
}

size_t ShardSplit::keys(uint32_t table) const {
  size_t count = 0;
  for (const auto& places : places_[table]) count += places.size();
  return count;
}

void ShardSplit::write_keys(uint32_t shard, std::span<const std::vector<Key>> keys,
                            std::span<const uint32_t> dims, ValueType type,
                            Message& message) const {
  size_t count = 0;
  for (uint32_t t = 0; t < places_.size(); ++t) {
    if (places_[t][shard].empty()) continue;
    TableEntry entry;
    entry.table = t;
    entry.count = static_cast<uint32_t>(places_[t][shard].size());
    entry.dim = dims[t];
    entry.dtype = type;
    message.directory.push_back(entry);
    count += entry.count;
  }
  message.header.tables = static_cast<uint32_t>(message.directory.size());
  message.keys = zmq::message_t(count * sizeof(Key));
  char* to = static_cast<char*>(message.keys.data());
  for (size_t t = 0; t < places_.size(); ++t)
    for (uint32_t place : places_[t][shard]) {
      std::memcpy(to, &keys[t][place], sizeof(Key));
      to += sizeof(Key);
    }
}

size_t ShardSplit::value_bytes(uint32_t shard, std::span<const uint32_t> dims,
                               ValueType type) const {
  size_t values = 0;
  for (size_t t = 0; t < places_.size(); ++t) values += places_[t][shard].size() * dims[t];
  return values * size_of(type);
}

zmq::message_t ShardSplit::gather(uint32_t shard, std::span<const std::vector<float>> gradients,
                                  std::span<const uint32_t> dims, ValueType type) const {
  zmq::message_t values(value_bytes(shard, dims, type));
  char* to = static_cast<char*>(values.data());
  for (size_t t = 0; t < places_.size(); ++t) {
    for (uint32_t place : places_[t][shard]) {
      narrow(gradients[t].data() + size_t{place} * dims[t], type, to, dims[t]);
      to += dims[t] * size_of(type);
    }
  }
  return values;
}

void ShardSplit::scatter(uint32_t shard, const zmq::message_t& values,
                         std::span<const uint32_t> dims, ValueType type,
                         std::span<std::vector<float>> rows) const {
  const char* from = static_cast<const char*>(values.data());
  for (size_t t = 0; t < places_.size(); ++t) {
    for (uint32_t place : places_[t][shard]) {
      widen(from, type, rows[t].data() + size_t{place} * dims[t], dims[t]);
      from += dims[t] * size_of(type);
    }
  }
}

}  // namespace cairn
