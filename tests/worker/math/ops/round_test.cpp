#include <bit>
#include <cmath>

#include "tests/seed.h"
#include "tests/worker/math/ops/backends.h"
#include "tests/worker/math/ops/numbers.h"

namespace cairn::math {
namespace {

class RoundTest : public OpsTest {
 protected:
  uint16_t rounded(float x) const {
    TestVector<float> from = {x};
    TestVector<Bfloat16> y(1);
    ops.round({from.data(), 1, 1}, {y.data(), 1, 1});
    return y[0].bits;
  }
  static float value(uint16_t bits) { return std::bit_cast<float>(uint32_t{bits} << 16); }
};

TEST_P(RoundTest, NoOtherValueIsNearer) {
  RandomStream random(test_seed(), 11);
  Numbers all(10'000, 1);
  for (size_t i = 0; i < 10'000; ++i)
    all.at(i, 0) = std::ldexp(random.next_normal(), static_cast<int>(random.next_below(60)) - 30);
  TestVector<Bfloat16> together(10'000);
  ops.round(all, {together.data(), 10'000, 1});
  for (size_t i = 0; i < 10'000; ++i) {
    const float x = all.at(i, 0);
    const uint16_t bits = together[i].bits;
    const double off = std::abs(double{value(bits)} - x);
    for (const int step : {-1, 1}) {
      const double other = std::abs(double{value(static_cast<uint16_t>(bits + step))} - x);
      EXPECT_LE(off, other) << x;
      if (off == other) {
        EXPECT_EQ(bits % 2, 0) << x << " is a tie";
      }
    }
  }
}

TEST_P(RoundTest, TiesGoToEvenAndWhatIsNoNumberStaysSo) {
  EXPECT_EQ(rounded(std::bit_cast<float>(0x3f808000u)), 0x3f80);
  EXPECT_EQ(rounded(std::bit_cast<float>(0x3f818000u)), 0x3f82);
  EXPECT_EQ(value(rounded(INFINITY)), INFINITY);
  EXPECT_TRUE(std::isnan(value(rounded(std::bit_cast<float>(0x7fffffffu)))));
}

TEST_P(RoundTest, RowsStandApartOnBothSides) {
  Numbers x = Numbers::random(3, 5, 1, 2);
  const RoundedMatrix y = arena.rounded_matrix(3, 5);
  ops.round(x, y);
  for (size_t r = 0; r < 3; ++r)
    for (size_t c = 0; c < 5; ++c) EXPECT_EQ(y.row(r)[c].bits, rounded(x.at(r, c)));
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, RoundTest, testing::ValuesIn(backends_in_this_build()),
                         backend_name);

}  // namespace
}  // namespace cairn::math
