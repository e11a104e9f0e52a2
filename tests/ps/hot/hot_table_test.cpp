#include "ps/hot/hot_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <unordered_map>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

// The key whose hash this is: hash_key backwards.
Key key_of_hash(uint64_t hash) {
  const auto inverse = [](uint64_t odd) {  // modulo 2^64, by Newton
    uint64_t x = odd;
    for (int i = 0; i < 5; ++i) x *= 2 - odd * x;
    return x;
  };
  const auto unshift = [](uint64_t y, int shift) {
    uint64_t x = y;
    for (int i = 0; i < 64 / shift; ++i) x = y ^ (x >> shift);
    return x;
  };
  hash = unshift(hash, 31) * inverse(0x94d049bb133111ebull);
  hash = unshift(hash, 27) * inverse(0xbf58476d1ce4e5b9ull);
  return unshift(hash, 30) - 0x9e3779b97f4a7c15ull;
}

HotRow* find_one(const HotTable& table, Key key) {
  HotRow* row = nullptr;
  table.find({&key, 1}, &row);
  return row;
}

Key key_in(SlotRange slots, RandomStream& random) {
  const uint64_t slot = slots.first + random.next_below(slots.last - slots.first);
  return key_of_hash(slot << (64 - kSlotBits) | random.next_u64() >> kSlotBits);
}

TEST(HotTable, KeyOfHashUndoesTheHash) {
  for (const uint64_t hash : {uint64_t{0}, ~uint64_t{0}, uint64_t{0x123456789abcdef0}})
    EXPECT_EQ(hash_key(key_of_hash(hash)), hash);
}

TEST(HotTable, ARowTakesAtMost44BytesBesideItsFloats) {
  RandomStream random(test_seed(), 26);
  for (const RowLayout layout :
       {RowLayout{.dim = 16, .state_floats = 16}, RowLayout{.dim = 10, .state_floats = 10},
        RowLayout{.dim = 5, .state_floats = 1}}) {
    const SlotRange slots{0, 64};
    HotTable table(slots, layout);
    double most = 0, least = 1000;
    for (uint32_t rows = 0; rows < 60'000; ++rows) {
      table.insert(key_in(slots, random));
      if (rows < 2000) continue;  // the index of a small table grows in larger parts
      most = std::max(most, table.memory().overhead_per_row());
      least = std::min(least, table.memory().overhead_per_row());
    }
    EXPECT_LE(most, 44.0);
    EXPECT_GE(least, 28 + 8 / 0.73);
  }
}

TEST(HotTable, SlackIsOfRowsThatWent) {
  HotTable table({0, 64}, {.dim = 16, .state_floats = 16});
  RandomStream random(test_seed(), 27);
  const uint32_t first = table.insert(key_in({0, 64}, random)).number;
  table.insert(key_in({0, 64}, random));
  constexpr uint64_t kPadding = 4;  // 28 + 128 bytes begin at multiples of 32
  EXPECT_EQ(table.memory().slack, 2 * kPadding);
  table.erase(first);
  EXPECT_EQ(table.memory().slack, table.row_bytes() + kPadding);
  table.insert(key_in({0, 64}, random));
  EXPECT_EQ(table.memory().slack, 2 * kPadding);
}

class HotTableTest : public testing::TestWithParam<SlotRange> {};

TEST_P(HotTableTest, HoldsWhatAMapHoldsWhileItGrowsAndShrinks) {
  const SlotRange slots = GetParam();
  RandomStream random(test_seed(), 20);
  HotTable table(slots, {.dim = 2, .state_floats = 1});
  std::unordered_map<Key, uint32_t> expected;  // to row numbers
  std::vector<Key> keys;
  bool grew = false;
  for (int round = 0; round < 60'000; ++round) {
    grew = grew || table.growing();
    const bool insert = random.next_below(100) < (round < 40'000 ? 75 : 30) || keys.empty();
    if (insert) {
      const Key key = key_in(slots, random);
      if (expected.contains(key)) continue;
      const HotTable::Inserted inserted = table.insert(key);
      inserted.row->floats()[2] = static_cast<float>(inserted.number);
      expected[key] = inserted.number;
      keys.push_back(key);
    } else {
      const size_t at = random.next_below(keys.size());
      table.erase(expected[keys[at]]);
      expected.erase(keys[at]);
      keys[at] = keys.back();
      keys.pop_back();
    }
    if (grew && random.next_below(4000) == 0) table.reserve(random.next_below(80'000));
    if (round % 500 != 0) continue;
    std::array<Key, 1024> asked;
    std::array<HotRow*, 1024> rows;
    for (Key& key : asked)
      key = random.next_below(3) == 0 || keys.empty() ? key_in(slots, random)
                                                      : keys[random.next_below(keys.size())];
    const size_t count = 1 + random.next_below(asked.size());
    table.find({asked.data(), count}, rows.data());
    for (size_t i = 0; i < count; ++i) {
      const auto at = expected.find(asked[i]);
      ASSERT_EQ(rows[i] != nullptr, at != expected.end());
      if (rows[i] == nullptr) continue;
      ASSERT_EQ(rows[i], table.row(at->second));
      ASSERT_EQ(rows[i]->floats()[2], static_cast<float>(at->second));
    }
  }
  EXPECT_TRUE(grew);
  EXPECT_EQ(table.rows(), expected.size());
  EXPECT_GE(table.bytes(), expected.size() * table.row_bytes());
  for (const auto& [key, number] : expected) ASSERT_EQ(find_one(table, key), table.row(number));
}

// Slots 0 and 256 look alike in an entry, and crowding puts them side by side.
TEST(HotTable, CrowdedSlotsThatLookAlikeAreToldApart) {
  RandomStream random(test_seed(), 22);
  HotTable table({0, 512}, {.dim = 1});
  size_t wanted[2] = {4000, 1000};
  for (const uint64_t slot : {0, 1})
    for (size_t i = 0; i < wanted[slot]; ++i)
      table.insert(key_of_hash(slot * 256 << (64 - kSlotBits) | random.next_u64() >> kSlotBits));
  table.grow_on(uint64_t{1} << 20);
  EXPECT_FALSE(table.growing());
  for (const uint32_t slot : {0, 1}) {
    std::vector<uint32_t> numbers;
    table.rows_of_slot(slot * 256, numbers);
    EXPECT_EQ(numbers.size(), wanted[slot]);
    for (const uint32_t number : numbers) ASSERT_EQ(slot_of(table.row(number)->key), slot * 256);
  }
}

TEST_P(HotTableTest, RowsOfASlotAreThoseOfItsKeysAlsoWhileItGrows) {
  const SlotRange slots = GetParam();
  RandomStream random(test_seed(), 21);
  HotTable table(slots, {.dim = 1});
  std::map<uint32_t, std::vector<uint32_t>> expected;
  const auto compare = [&] {
    for (uint32_t slot = slots.first; slot < slots.last; ++slot) {
      std::vector<uint32_t> numbers;
      table.rows_of_slot(slot, numbers);
      std::ranges::sort(numbers);
      auto wanted = expected[slot];
      std::ranges::sort(wanted);
      ASSERT_EQ(numbers, wanted) << "slot " << slot;
    }
  };
  int compared = 0;
  for (int i = 0; i < 30'000; ++i) {
    const Key key = key_in(slots, random);
    if (find_one(table, key) != nullptr) continue;
    expected[slot_of(key)].push_back(table.insert(key).number);
    // Few entries per slot: the last slots reach round to the first ones, which look like them.
    const bool often = i < 3000 && slots.last - slots.first < 1000;
    if (table.growing() && random.next_below(often ? 10 : 200) == 0 && (often || compared++ < 10))
      compare();
  }
  EXPECT_GT(compared, 0);
  compare();
}

TEST_P(HotTableTest, WhatIsReservedIsRoomEnough) {
  RandomStream random(test_seed(), 24);
  HotTable table(GetParam(), {.dim = 2, .state_floats = 1});
  constexpr uint64_t kRows = 20'000;
  table.reserve(kRows);
  std::vector<Key> keys;
  while (keys.size() < kRows) keys.push_back(key_in(GetParam(), random));
  std::ranges::sort(keys, {}, slot_of);
  for (const Key key : keys) {
    if (find_one(table, key) == nullptr) table.insert(key);
    ASSERT_FALSE(table.growing());
  }
  for (const Key key : keys) ASSERT_NE(find_one(table, key), nullptr);
}

INSTANTIATE_TEST_SUITE_P(Slots, HotTableTest,
                         testing::Values(SlotRange{}, SlotRange{16'000, 16'384}, SlotRange{5, 6},
                                         SlotRange{5, 265}, SlotRange{0, 528}));

TEST(HotTable, KeysOfOneFingerprintAreToldApart) {
  // 32 equal low bits, 14 equal high ones; a fingerprint of zero is also that of entries that
  // moved.
  for (const uint64_t fingerprint : {uint64_t{0}, uint64_t{0xABCD1234}}) {
    HotTable table({}, {.dim = 1});
    std::vector<uint32_t> numbers;
    const auto key = [&](uint64_t i) {
      return key_of_hash(uint64_t{77} << 50 | i << 32 | fingerprint);
    };
    for (uint64_t i = 0; i < 200; ++i) numbers.push_back(table.insert(key(i)).number);
    for (uint64_t other = 0; other < 50'000; ++other) {  // makes it grow
      if (slot_of(other) != 77) table.insert(other);
      if (other % 1000 != 0) continue;
      for (uint64_t i = 0; i < 200; ++i) ASSERT_EQ(find_one(table, key(i)), table.row(numbers[i]));
      EXPECT_EQ(find_one(table, key(200)), nullptr);
    }
    for (uint64_t i = 0; i < 200; i += 2) table.erase(numbers[i]);
    for (uint64_t i = 0; i < 200; ++i)
      ASSERT_EQ(find_one(table, key(i)), i % 2 == 0 ? nullptr : table.row(numbers[i]));
  }
}

TEST(HotTable, PinIsTheHighestStep) {
  HotRow row;
  row.meta.state = HotRow::kUsed | HotRow::kDirty;
  row.raise_pin(7);
  row.raise_pin(5);
  EXPECT_EQ(row.pin(), 7u);
  row.raise_pin(static_cast<uint32_t>(kStepMax));
  EXPECT_EQ(row.pin(), kStepMax);
  EXPECT_TRUE(row.dirty() && row.used());
}

}  // namespace
}  // namespace cairn::ps
