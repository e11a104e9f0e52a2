#include "ps/row/row_digest.h"

#include <gtest/gtest.h>

#include "tests/ps/store/rows.h"
#include "tests/seed.h"

namespace cairn::ps {
namespace {

RowDigest digest_of(const RowMap& rows) {
  RowDigest digest;
  for (const auto& [key, row] : rows) digest.add(key, row.last_step, row.count, row.floats);
  return digest;
}

class RowDigestTest : public testing::Test {
 protected:
  RandomStream random_{test_seed(), 10};
  RowMap rows_ = random_rows(random_, 1, 200);
};

TEST_F(RowDigestTest, IsFreeOfOrderAndOfHowRowsAreDivided) {
  RowDigest parts[3], sum;
  for (auto row = rows_.rbegin(); row != rows_.rend(); ++row)
    parts[random_.next_below(3)].add(row->first, row->second.last_step, row->second.count,
                                     row->second.floats);
  for (const RowDigest& part : parts) sum.add(part);
  EXPECT_EQ(sum, digest_of(rows_));
  EXPECT_EQ(sum.rows(), rows_.size());
}

TEST_F(RowDigestTest, DependsOnEverythingButTheLsn) {
  const RowDigest before = digest_of(rows_);
  const auto changed = [&](auto change) {
    RowMap rows = rows_;
    change(rows.begin()->second);
    return !(digest_of(rows) == before);
  };
  EXPECT_FALSE(changed([](RowValue& row) { ++row.lsn; }));
  EXPECT_TRUE(changed([](RowValue& row) { ++row.last_step; }));
  EXPECT_TRUE(changed([](RowValue& row) { ++row.count; }));
  EXPECT_TRUE(changed([](RowValue& row) { row.floats.back() = -row.floats.back(); }));
  RowDigest a, b;
  const float one = 1;
  a.add({0, 5}, 1, 1, {&one, 1});
  b.add({1, 5}, 1, 1, {&one, 1});
  EXPECT_FALSE(a == b);
}

TEST_F(RowDigestTest, CarriesFromTheLowHalfToTheHigh) {
  // 2^64 is passed by the low half about every second row, so some carry is lost if any can be.
  RowDigest digest;
  Uint128 sum = 0;
  for (const auto& [key, row] : rows_) {
    RowDigest one;
    one.add(key, row.last_step, row.count, row.floats);
    digest.add(one);
    sum += static_cast<Uint128>(one.sum().high) << 64 | one.sum().low;
  }
  EXPECT_EQ(digest.sum().low, static_cast<uint64_t>(sum));
  EXPECT_EQ(digest.sum().high, static_cast<uint64_t>(sum >> 64));
}

}  // namespace
}  // namespace cairn::ps
