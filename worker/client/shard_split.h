// Which of a batch's keys go to which shard, and back: a message to a shard holds, table after
// table, the keys that it owns, in ascending order. Thread safety: a plain value.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/slots.h"
#include "common/wire/message.h"

namespace cairn {

class ShardSplit {
 public:
  ShardSplit() = default;
  ShardSplit(std::span<const std::vector<Key>> keys, const SlotMap& slots);

  // Of a table, over all shards.
  size_t keys(uint32_t table) const;

  // Fills directory and keys of a message to `shard`, whose values, or those of its answer, are of
  // `type`.
  void write_keys(uint32_t shard, std::span<const std::vector<Key>> keys,
                  std::span<const uint32_t> dims, ValueType type, Message& message) const;

  // The values part of a push to `shard`: gradients[t] is [keys, dim].
  zmq::message_t gather(uint32_t shard, std::span<const std::vector<float>> gradients,
                        std::span<const uint32_t> dims, ValueType type) const;

  // Bytes that a reply's values part must have.
  size_t value_bytes(uint32_t shard, std::span<const uint32_t> dims, ValueType type) const;

  // The way back: values of `shard` to their places in rows[t], which are [keys, dim].
  void scatter(uint32_t shard, const zmq::message_t& values, std::span<const uint32_t> dims,
               ValueType type, std::span<std::vector<float>> rows) const;

 private:
  // places_[table][shard]: positions in the table's keys.
  std::vector<std::vector<std::vector<uint32_t>>> places_;
};

}  // namespace cairn
