#include "ps/policy/key_filter.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

constexpr uint32_t kSlotBytes = 16;

Key random_key(RandomStream& random, uint64_t keys) { return hash_key(random.next_below(keys)); }

std::string counters(KeyFilter& filter, SlotRange slots) {
  filter.begin_save();
  std::string all;
  for (uint32_t slot = slots.first; slot < slots.last; ++slot) all += filter.saved(slot);
  return all;
}

TEST(KeyFilter, NeverCountsTooLowAndSeldomTooHigh) {
  // Eight counters a distinct key, as the reference of the job file says. Few slots, as full as
  // those of a large table.
  constexpr SlotRange kSlotsUsed{0, 64};
  constexpr uint32_t kBytes = 4096;
  constexpr size_t kKeys = 64 * kBytes / 8;
  RandomStream random(test_seed(), 1);
  KeyFilter filter(kSlotsUsed, kBytes, test_seed());
  std::vector<Key> keys, strangers;
  for (Key key = 0; strangers.size() < kKeys; ++key)
    if (kSlotsUsed.contains(slot_of(key))) (keys.size() < kKeys ? keys : strangers).push_back(key);
  std::map<Key, uint32_t> counts;
  for (const Key key : keys) counts[key] = 0;
  for (size_t i = 0; i < 2 * kKeys; ++i) {
    const Key key = keys[random.next_below(kKeys)];
    filter.add(key);
    ++counts[key];
  }
  size_t high = 0, strangers_seen = 0, strangers_seen_twice = 0;
  for (const auto& [key, count] : counts) {
    ASSERT_GE(filter.count(key), count);
    high += filter.count(key) > count;
  }
  for (const Key key : strangers) {
    strangers_seen += filter.count(key) >= 1;
    strangers_seen_twice += filter.count(key) >= 2;
  }
  const auto share = [](size_t of) { return static_cast<double>(of) / kKeys; };
  EXPECT_LT(share(high), 0.02);
  EXPECT_LT(share(strangers_seen), 0.03);
  EXPECT_LT(share(strangers_seen_twice), 0.01);
}

// About 8 keys in the 1024 counters of each slot: the four places of a stranger are all taken in 2
// cases of a million, if they are places of their own.
TEST(KeyFilter, PlacesOfAKeyAreIndependent) {
  constexpr size_t kKeys = 8 * kSlots, kStrangers = 3'000'000;
  KeyFilter filter({}, 1024, test_seed());
  for (size_t i = 0; i < kKeys; ++i) filter.add(hash_key(i));
  size_t seen = 0;
  for (size_t i = 0; i < kStrangers; ++i) seen += filter.count(hash_key(kKeys + i)) > 0;
  EXPECT_LT(seen, 24u);
}

TEST(KeyFilter, CountsUpTo255) {
  KeyFilter filter({}, kSlotBytes, 1);
  for (uint32_t i = 1; i <= 300; ++i) {
    filter.add(7);
    ASSERT_EQ(filter.count(7), std::min(i, KeyFilter::kCountMax));
  }
}

TEST(KeyFilter, PartsOfSlotsCountAsTheWholeDoes) {
  RandomStream random(test_seed(), 2);
  KeyFilter whole({}, kSlotBytes, 3);
  const SlotRange low{0, 5000}, high{5000, kSlots};
  KeyFilter low_part(low, kSlotBytes, 3), high_part(high, kSlotBytes, 3);
  for (int i = 0; i < 50'000; ++i) {
    const Key key = random_key(random, 20'000);
    whole.add(key);
    (low.contains(slot_of(key)) ? low_part : high_part).add(key);
  }
  EXPECT_EQ(counters(low_part, low) + counters(high_part, high), counters(whole, {}));
}

TEST(KeyFilter, SavesEverySlotAsItStoodWhenTheSaveBegan) {
  RandomStream random(test_seed(), 3);
  const SlotRange slots{100, 140};
  KeyFilter filter(slots, kSlotBytes, 3);
  const auto add_some = [&](int keys) {
    for (int i = 0; i < keys;) {
      const Key key = random_key(random, 1'000'000);
      if (!slots.contains(slot_of(key))) continue;
      filter.add(key);
      ++i;
    }
  };
  add_some(300);
  const std::string before = counters(filter, slots);
  EXPECT_FALSE(filter.changed_since_save());
  filter.begin_save();
  std::string saved;
  for (uint32_t slot = slots.first; slot < slots.last; ++slot) {
    add_some(20);
    saved += filter.saved(slot);
  }
  EXPECT_TRUE(filter.changed_since_save());
  EXPECT_TRUE(saved == before);
  EXPECT_FALSE(counters(filter, slots) == before);

  // And takes them back.
  KeyFilter other(slots, kSlotBytes, 3);
  for (uint32_t slot = slots.first; slot < slots.last; ++slot)
    ASSERT_TRUE(other.load(
        slot, std::string_view(before).substr((slot - slots.first) * kSlotBytes, kSlotBytes)));
  EXPECT_TRUE(counters(other, slots) == before);
  EXPECT_FALSE(other.load(slots.first, before.substr(0, kSlotBytes - 1)));
}

}  // namespace
}  // namespace cairn::ps
