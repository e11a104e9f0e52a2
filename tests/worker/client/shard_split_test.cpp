#include "worker/client/shard_split.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn {
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
    for (uint32_t shard = 0; shard < 5; ++shard)
      split.scatter(shard, split.gather(shard, values, dims, type), dims, type, back);
    const float part = type == ValueType::kFloat32 ? 0.0f : 1.0f / 256;  // that rounding may change
    for (size_t t = 0; t < dims.size(); ++t)
      for (size_t i = 0; i < values[t].size(); ++i)
        EXPECT_NEAR(back[t][i], values[t][i], part * std::abs(values[t][i]));
  }
}

}  // namespace
}  // namespace cairn
