#include "worker/client/shard_split.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn::client {
namespace {

std::vector<std::vector<Key>> random_keys(RandomStream& random, size_t tables) {
  std::vector<std::vector<Key>> keys(tables);
  for (auto& table : keys) {
    table.resize(random.next_below(200));
    for (Key& key : table) key = random.next_u64();
    std::sort(table.begin(), table.end());
    table.erase(std::unique(table.begin(), table.end()), table.end());
  }
  return keys;
}

TEST(ShardSplit, EveryKeyGoesOnceToTheShardThatOwnsItInAscendingOrder) {
  RandomStream random(test_seed(), 1);
  const std::vector<uint32_t> dims = {1, 3, 8};
  for (uint32_t shards : {1u, 2u, 7u}) {
    const ValueType type = shards == 2 ? ValueType::kBfloat16 : ValueType::kFloat32;
    const auto keys = random_keys(random, dims.size());
    const SlotMap slots{1, shards};
    const ShardSplit split(keys, slots);
    std::vector<std::vector<Key>> seen(dims.size());
    for (uint32_t shard = 0; shard < shards; ++shard) {
      Message message;
      split.write_keys(shard, keys, dims, type, message);
      std::vector<zmq::message_t> parts;
      message.values =
          split.gather(shard,
                       std::vector<std::vector<float>>{std::vector<float>(keys[0].size() * 1),
                                                       std::vector<float>(keys[1].size() * 3),
                                                       std::vector<float>(keys[2].size() * 8)},
                       dims, type);
      message.header.op = Op::kPush;
      parts = to_parts(std::move(message));
      const Result<Message> parsed = parse_message(parts);
      ASSERT_TRUE(parsed.ok()) << parsed.error().message;
      size_t at = 0;
      for (const TableEntry& entry : parsed.value().directory) {
        EXPECT_EQ(entry.dim, dims[entry.table]);
        EXPECT_EQ(entry.dtype, type);
        for (uint32_t i = 0; i < entry.count; ++i) {
          const Key key = parsed.value().key(at++);
          EXPECT_EQ(slots.shard_of(key), shard);
          seen[entry.table].push_back(key);
        }
      }
    }
    for (size_t t = 0; t < dims.size(); ++t) {
      std::sort(seen[t].begin(), seen[t].end());
      EXPECT_EQ(seen[t], keys[t]);
    }
  }
}

TEST(ShardSplit, ScatterUndoesGather) {
  RandomStream random(test_seed(), 2);
  const std::vector<uint32_t> dims = {4, 1};
  const auto keys = random_keys(random, dims.size());
  std::vector<std::vector<float>> values(dims.size()), back(dims.size());
  for (size_t t = 0; t < dims.size(); ++t) {
    values[t].resize(keys[t].size() * dims[t]);
    for (float& value : values[t]) value = random.next_normal();
    back[t].resize(values[t].size());
  }
  const ShardSplit split(keys, SlotMap{1, 5});
  for (const ValueType type : {ValueType::kFloat32, ValueType::kBfloat16}) {
    for (uint32_t shard = 0; shard < 5; ++shard) {
      Message reply;
      split.write_keys(shard, keys, dims, type, reply);
      reply.values = split.gather(shard, values, dims, type);
      split.scatter(shard, reply, dims, type, back);
    }
    const float part = type == ValueType::kFloat32 ? 0.0f : 1.0f / 256;  // that rounding may change
    for (size_t t = 0; t < dims.size(); ++t)
      for (size_t i = 0; i < values[t].size(); ++i)
        EXPECT_NEAR(back[t][i], values[t][i], part * std::abs(values[t][i]));
  }
}

TEST(ShardSplit, ScatterLeavesRowsThatHaveNotChanged) {
  const std::vector<uint32_t> dims = {1, 2, 1};
  const std::vector<std::vector<Key>> keys = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, {}, {1, 2, 3}};
  const ShardSplit split(keys, SlotMap{1, 1});
  Message reply;
  split.write_keys(0, keys, dims, ValueType::kFloat32, reply);
  reply.directory[0].changed_since = 5;
  reply.directory[1].changed_since = 5;
  const uint8_t bits[] = {0b11111101, 0b1, 0b101};
  reply.keys = zmq::message_t(bits, sizeof bits);
  const float sent[] = {20, 100, 200};
  reply.values = zmq::message_t(sent, sizeof sent);
  std::vector<std::vector<float>> rows = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, {}, {1, 2, 3}};
  split.scatter(0, reply, dims, ValueType::kFloat32, rows);
  EXPECT_EQ(rows[0], (std::vector<float>{1, 20, 3, 4, 5, 6, 7, 8, 9, 100}));
  EXPECT_EQ(rows[2], (std::vector<float>{1, 200, 3}));
}

TEST(ShardSplit, KeysOfEachChangedSinceAreAnEntryAndTheirRowsFindTheirPlaces) {
  RandomStream random(test_seed(), 3);
  const std::vector<uint32_t> dims = {2, 1, 1};
  const auto keys = random_keys(random, dims.size());
  std::vector<std::vector<uint64_t>> known(dims.size());  // none of the second table
  for (const size_t t : {0, 2})
    for (size_t i = 0; i < keys[t].size(); ++i) known[t].push_back(random.next_below(3) * 10);
  const SlotMap slots{1, 3};
  const ShardSplit split(keys, slots, known);
  std::vector<std::vector<float>> rows(dims.size());
  std::vector<std::vector<uint8_t>> kept(dims.size());
  for (uint32_t t = 0; t < dims.size(); ++t) {
    EXPECT_EQ(split.keys(t), keys[t].size());
    rows[t].assign(keys[t].size() * dims[t], -1.0f);
    kept[t].assign(keys[t].size(), 1);
  }
  for (uint32_t shard = 0; shard < 3; ++shard) {
    Message message;
    split.write_keys(shard, keys, dims, ValueType::kFloat32, message);
    // Every other known row has changed; a row is its key's low bits.
    std::vector<float> values;
    std::vector<uint8_t> bits;
    size_t at = 0;
    for (const TableEntry& entry : message.directory) {
      const size_t first_bit = bits.size() * 8;
      bits.resize(bits.size() + unchanged_bytes(entry));
      for (uint32_t i = 0; i < entry.count; ++i) {
        const Key key = message.key(at++);
        if (entry.changed_since > 0 && key % 2 == 0)
          set_unchanged(bits.data(), first_bit + i);
        else
          values.insert(values.end(), entry.dim, static_cast<float>(key % 1000));
      }
    }
    std::vector<zmq::message_t> parts = to_parts(std::move(message));
    Result<Message> asked = parse_message(parts);
    ASSERT_TRUE(asked.ok()) << asked.error().message;
    asked.value().keys = zmq::message_t(bits.data(), bits.size());
    asked.value().values = zmq::message_t(values.data(), values.size() * sizeof(float));
    split.scatter(shard, asked.value(), dims, ValueType::kFloat32, rows, kept);
  }
  for (size_t t = 0; t < dims.size(); ++t)
    for (size_t i = 0; i < keys[t].size(); ++i) {
      const bool is_kept = !known[t].empty() && known[t][i] > 0 && keys[t][i] % 2 == 0;
      EXPECT_EQ(kept[t][i], is_kept ? 1 : 0);
      for (uint32_t d = 0; d < dims[t]; ++d)
        EXPECT_EQ(rows[t][i * dims[t] + d],
                  is_kept ? -1.0f : static_cast<float>(keys[t][i] % 1000));
    }
}

}  // namespace
}  // namespace cairn::client
