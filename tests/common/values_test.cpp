#include "common/values.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn {
namespace {

constexpr auto kBf16 = ValueType::kBfloat16;

float through(float value) {
  char bytes[2];
  narrow(&value, kBf16, bytes, 1);
  float back = 0;
  widen(bytes, kBf16, &back, 1);
  return back;
}

float upper_half(uint32_t bits) { return std::bit_cast<float>(bits << 16); }

TEST(Values, EveryBf16ComesBack) {
  for (uint32_t bits = 0; bits < 1u << 16; ++bits) {
    const float value = upper_half(bits);
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(through(value))) << bits;
    } else {
      EXPECT_EQ(std::bit_cast<uint32_t>(through(value)), bits << 16);
    }
  }
}

TEST(Values, GoToTheNearestAndTiesToEven) {
  for (uint32_t bits = 0; bits + 1 < 0x7F80; bits += 7) {
    const float low = upper_half(bits), high = upper_half(bits + 1);
    const auto between = [&](uint32_t lower) { return std::bit_cast<float>(bits << 16 | lower); };
    EXPECT_EQ(through(between(0x7FFF)), low);
    EXPECT_EQ(through(between(0x8001)), high);
    EXPECT_EQ(through(between(0x8000)), bits % 2 == 0 ? low : high);
    EXPECT_EQ(through(-between(0x8001)), -high);
  }
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(through(infinity), infinity);
  EXPECT_EQ(through(std::numeric_limits<float>::max()), infinity);
  // NaNs whose mark is in the half that is cut off.
  EXPECT_TRUE(std::isnan(through(std::bit_cast<float>(0x7F800001u))));
  EXPECT_TRUE(std::isnan(through(std::bit_cast<float>(0xFFFFFFFFu))));
}

TEST(Values, AnyCountAtAnyAddress) {
  RandomStream random(test_seed(), 40);
  for (const ValueType type : {ValueType::kFloat32, kBf16}) {
    for (size_t count = 0; count < 70; ++count) {
      std::vector<float> values(count), back(count), sums(count), expected(count);
      for (size_t i = 0; i < count; ++i) {
        values[i] = type == kBf16 ? through(random.next_normal()) : random.next_normal();
        sums[i] = random.next_normal();
        expected[i] = sums[i] + values[i];
      }
      std::vector<char> bytes(count * size_of(type) + 2, 77);
      narrow(values.data(), type, bytes.data() + 1, count);
      EXPECT_EQ(bytes.front(), 77);
      EXPECT_EQ(bytes.back(), 77);
      widen(bytes.data() + 1, type, back.data(), count);
      EXPECT_EQ(back, values);
      widen_and_add(bytes.data() + 1, type, sums.data(), count);
      EXPECT_EQ(sums, expected);
    }
  }
}

TEST(Values, StochasticRoundingGoesToANeighbourAndHasTheValueForItsMean) {
  RandomStream random(test_seed(), 41);
  for (int round = 0; round < 50; ++round) {
    const float value = random.next_normal();
    const float low = std::bit_cast<float>(std::bit_cast<uint32_t>(value) & 0xFFFF0000u);
    const float high =
        std::bit_cast<float>((std::bit_cast<uint32_t>(value) & 0xFFFF0000u) + 0x10000);
    constexpr uint32_t kAll = 1u << 16;  // every string of bits once: the mean is exact
    std::vector<float> values(kAll, value);
    std::vector<uint16_t> bits(kAll);
    for (uint32_t i = 0; i < kAll; ++i) bits[i] = static_cast<uint16_t>(i);
    round_stochastically(values.data(), bits.data(), kAll);
    double sum = 0;
    for (const float rounded : values) {
      ASSERT_TRUE(rounded == low || rounded == high) << value;
      sum += double{rounded} - value;
    }
    EXPECT_NEAR(sum / kAll, 0.0, 1e-12);
    float same = low;
    const uint16_t most = 0xFFFF;
    round_stochastically(&same, &most, 1);
    EXPECT_EQ(same, low);
  }
}

}  // namespace
}  // namespace cairn
