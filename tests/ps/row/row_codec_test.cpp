#include "ps/row/row_codec.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>

#include "common/random.h"
#include "tests/ps/store/rows.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

TEST(RowCodec, StoredKeysOrderAsRowKeysDo) {
  RandomStream random(test_seed(), 7);
  std::vector<RowKey> keys;
  for (int i = 0; i < 2000; ++i)
    keys.push_back({static_cast<uint32_t>(random.next_below(700)), random.next_u64()});
  for (size_t i = 1; i < keys.size(); ++i) {
    const StoredKey a = encode_key(keys[i - 1]), b = encode_key(keys[i]);
    EXPECT_EQ(std::memcmp(a.data(), b.data(), a.size()) < 0, keys[i - 1] < keys[i]);
    EXPECT_EQ(decode_key(view_of(a)), keys[i - 1]);
  }
}

TEST(RowCodec, ASlotIsOneRange) {
  RandomStream random(test_seed(), 8);
  for (int i = 0; i < 1000; ++i) {
    const RowKey key{static_cast<uint32_t>(random.next_below(1 << 16)), random.next_u64()};
    const StoredKey stored = encode_key(key), first = first_key_of_slot(slot_of(key.key)),
                    next = first_key_of_slot(slot_of(key.key) + 1);
    EXPECT_GE(std::memcmp(stored.data(), first.data(), stored.size()), 0);
    EXPECT_LT(std::memcmp(stored.data(), next.data(), stored.size()), 0);
  }
}

TEST(RowCodec, KeysOfAnotherLengthOrSlotAreRefused) {
  StoredKey key = encode_key({1, test_seed()});
  EXPECT_TRUE(decode_key(view_of(key)));
  for (size_t n = 0; n < key.size(); ++n) EXPECT_FALSE(decode_key(view_of(key).substr(0, n)));
  key[1] = static_cast<char>(key[1] ^ 1);
  EXPECT_FALSE(decode_key(view_of(key)));
}

TEST(RowCodec, ValuesRoundTripAndEveryTruncationIsRefused) {
  RandomStream random(test_seed(), 9);
  RowBatch batch;
  for (int i = 0; i < 50; ++i) {
    auto [key, value] = random_row(random, random.next_u64(), 1000);
    RowLayout layout = {static_cast<uint32_t>(value.floats.size()) / 2, 0,
                        i % 2 == 0 ? ValueType::kFloat32 : ValueType::kBfloat16};
    layout.state_floats = static_cast<uint32_t>(value.floats.size()) - layout.dim;
    for (size_t f = 0; f < layout.dim && i % 2 != 0; ++f)
      value.floats[f] =
          std::bit_cast<float>(std::bit_cast<uint32_t>(value.floats[f]) & 0xFFFF0000u);
    std::string bytes;
    encode_value({key, value.lsn, value.last_step, value.count, 0}, layout, value.floats, bytes);
    EXPECT_EQ(bytes.size(),
              kStoredMetaBytes + layout.dim * (i % 2 == 0 ? 4 : 2) + 4 * layout.state_floats);
    for (size_t n = 0; n < bytes.size(); ++n)
      EXPECT_FALSE(decode_value(key, std::string_view(bytes).substr(0, n), layout, batch));
    batch = {};
    ASSERT_TRUE(decode_value(key, bytes, layout, batch));
    EXPECT_EQ(map_of(batch).at(key), value);
  }
}

}  // namespace
}  // namespace cairn::ps
