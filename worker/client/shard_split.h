// Splits a batch's keys over the shards, and brings answers back. A message holds, table after
// table, the keys that it owns, in ascending order. Thread safety: a plain value.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/slots.h"
#include "common/wire/message.h"

namespace cairn::client {

class ShardSplit {
 public:
  ShardSplit() = default;
  // known[t]: of each key of table t the changed_since that a pull is to carry for it; empty: 0. Of
  // a table, the keys of each changed_since make an entry of the message.
  ShardSplit(std::span<const std::vector<Key>> keys, const SlotMap& slots,
             std::span<const std::vector<uint64_t>> known = {});

  // The number of keys of a table, over all shards.
  size_t keys(uint32_t table) const { return counts_[table]; }

  // Fills directory and keys of a message to `shard`, whose values, or those of its answer, are of
  // `type`.
  void write_keys(uint32_t shard, std::span<const std::vector<Key>> keys,
                  std::span<const uint32_t> dims, ValueType type, Message& message) const;

  // The values part of a push to `shard`: gradients[t] is [keys, dim].
  zmq::message_t gather(uint32_t shard, std::span<const std::vector<float>> gradients,
                        std::span<const uint32_t> dims, ValueType type) const;

  // The way back: the rows of a reply of `shard` to their places in rows[t], which are [keys, dim].
  // The reply answers what write_keys wrote. Rows that it says have not changed stay as they are;
  // kept[t] (or no `kept`) becomes 0 at the places of all others.
  void scatter(uint32_t shard, const Message& reply, std::span<const uint32_t> dims, ValueType type,
               std::span<std::vector<float>> rows, std::span<std::vector<uint8_t>> kept = {}) const;

 private:
  struct Entry {
    uint32_t table;
    uint64_t changed_since;
    std::vector<uint32_t> places;  // positions in the table's keys
  };
  std::vector<std::vector<Entry>> entries_;  // by shard
  std::vector<size_t> counts_;               // of keys, by table
};

}  // namespace cairn::client
