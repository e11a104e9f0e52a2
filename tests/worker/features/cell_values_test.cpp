#include "worker/features/cell_values.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn::features {
namespace {

std::string text(const Cell& cell) {
  CellText room;
  const std::optional<std::string_view> text = text_of(cell, room);
  return text ? std::string(*text) : "none";
}

const double kNan = std::numeric_limits<double>::quiet_NaN();
const double kInfinity = std::numeric_limits<double>::infinity();

TEST(CellValues, TheTextOfAnIntegerIsDecimal) {
  EXPECT_EQ(text(Cell::integer(42)), "42");
  EXPECT_EQ(text(Cell::integer(INT64_MIN)), "-9223372036854775808");
  EXPECT_EQ(text(Cell::id(UINT64_MAX)), "18446744073709551615");
  EXPECT_EQ(text(Cell::text("042")), "042");
}

TEST(CellValues, TheTextOfAWholeNumberIsThatOfTheIntegerAndElseTheShortest) {
  EXPECT_EQ(text(Cell::number(3.0)), "3");
  EXPECT_EQ(text(Cell::number(-0.0)), "0");
  EXPECT_EQ(text(Cell::number(1e6)), "1000000");
  EXPECT_EQ(text(Cell::number(1e18)), "1000000000000000000");
  EXPECT_EQ(text(Cell::number(1e22)), "1e+22");
  EXPECT_EQ(text(Cell::number(0.1)), "0.1");
  EXPECT_EQ(text(Cell::number(-12.5)), "-12.5");
}

TEST(CellValues, WhatIsNoOneFiniteValueHasNoText) {
  const int64_t one[] = {1};
  for (const Cell& cell :
       {Cell(), Cell::number(kNan), Cell::number(-kInfinity), Cell::integers(one)}) {
    EXPECT_EQ(text(cell), "none");
    EXPECT_FALSE(value_of(cell));
    EXPECT_FALSE(id_of(cell));
  }
}

// Every whole number has one value, one id and one text, however it comes in.
TEST(CellValues, AreTheSameFromTextIntegerAndNumber) {
  RandomStream random(test_seed(), 1);
  for (int i = 0; i < 2000; ++i) {
    const auto value = static_cast<int64_t>(random.next_u64()) >> random.next_below(64);
    const std::string decimal = std::to_string(value);
    const Cell as_text = Cell::text(decimal), as_integer = Cell::integer(value);
    EXPECT_EQ(text(as_integer), decimal);
    EXPECT_EQ(id_of(as_integer), id_of(as_text));
    EXPECT_EQ(value_of(as_integer), value_of(as_text)) << decimal;
    if (value >= 0) {
      const Cell as_id = Cell::id(static_cast<uint64_t>(value));
      EXPECT_EQ(text(as_id), decimal);
      EXPECT_EQ(id_of(as_id), id_of(as_text));
      EXPECT_EQ(value_of(as_id), value_of(as_text));
    }
    if (std::abs(value) > int64_t{1} << 53) continue;
    const Cell as_number = Cell::number(static_cast<double>(value));
    EXPECT_EQ(text(as_number), decimal);
    EXPECT_EQ(id_of(as_number), id_of(as_text));
    EXPECT_EQ(value_of(as_number), value_of(as_text));
  }
}

TEST(CellValues, ANumberIsAnIdOnlyIfItIsWholeAndAValueOnlyIfAFloatHoldsIt) {
  EXPECT_EQ(id_of(Cell::number(-1)), ~uint64_t{0});
  EXPECT_FALSE(id_of(Cell::number(4.5)));
  EXPECT_FALSE(id_of(Cell::number(1e19)));
  EXPECT_EQ(value_of(Cell::number(4.5)), 4.5);
  EXPECT_FALSE(value_of(Cell::number(1e50)));
  EXPECT_FALSE(value_of(Cell::bytes("1")));
}

TEST(CellValues, MissingIsNullTheEmptyTextAndWhatTheJobNames) {
  const MissingValue none(""), minus("-1"), nan("nan"), mark("?");
  for (const MissingValue* missing : {&none, &minus, &nan, &mark}) {
    EXPECT_TRUE(missing->is(Cell()));
    EXPECT_TRUE(missing->is(Cell::text("")));
    EXPECT_FALSE(missing->is(Cell::text("0")));
    EXPECT_FALSE(missing->is(Cell::integer(0)));
    EXPECT_FALSE(missing->is(Cell::number(0)));
  }
  EXPECT_TRUE(mark.is(Cell::text("?")));
  EXPECT_TRUE(minus.is(Cell::text("-1")));
  EXPECT_TRUE(minus.is(Cell::integer(-1)));
  EXPECT_TRUE(minus.is(Cell::number(-1)));
  EXPECT_FALSE(minus.is(Cell::id(1)));
  EXPECT_TRUE(nan.is(Cell::number(kNan)));
  EXPECT_FALSE(none.is(Cell::number(kNan)));
}

TEST(CellValues, MessagesShowShortPrintableText) {
  EXPECT_EQ(printable(Cell::text("a\nb")), "a?b");
  EXPECT_EQ(printable(Cell::text(std::string(50, 'x'))), std::string(40, 'x') + "...");
  EXPECT_EQ(printable(Cell::integer(-3)), "-3");
  EXPECT_EQ(printable(Cell::number(kNan)), "nan");
  EXPECT_EQ(printable(Cell::bytes("\xff\xd8")), "2 bytes");
  const double numbers[] = {1, 2};
  EXPECT_EQ(printable(Cell::numbers(numbers)), "a list of 2");
}

}  // namespace
}  // namespace cairn::features
