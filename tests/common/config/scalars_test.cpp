#include "common/config/scalars.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace cairn {
namespace {

// A parser's result, as text: the value, or "!".
std::string integer(std::string_view text) {
  const Parsed<Integer> parsed = parse_integer(text);
  const Integer* value = std::get_if<Integer>(&parsed);
  if (value == nullptr) return "!";
  return fmt::format("{}{}", value->negative ? "-" : "", value->magnitude);
}

std::string bytes(std::string_view text) {
  const Parsed<uint64_t> parsed = parse_bytes(text);
  const uint64_t* value = std::get_if<uint64_t>(&parsed);
  return value ? std::to_string(*value) : "!";
}

TEST(Scalars, IntegersMayHaveExponentsAndUnderscores) {
  EXPECT_EQ(integer("0"), "0");
  EXPECT_EQ(integer("1e6"), "1000000");
  EXPECT_EQ(integer("2.5e3"), "2500");
  EXPECT_EQ(integer("1_000"), "1000");
  EXPECT_EQ(integer("+7"), "7");
  EXPECT_EQ(integer("-7"), "-7");
  EXPECT_EQ(integer("18446744073709551615"), "18446744073709551615");
}

TEST(Scalars, WhatIsNoIntegerIsRefused) {
  for (const char* text : {"", "-", "+", "1.5", "010", "0x10", "1e-1", "1e400", "1e17", "_1", "1_",
                           "1__0", "18446744073709551616", "nan", "inf", "1 2", "--1", "1e"})
    EXPECT_EQ(integer(text), "!") << text;
}

TEST(Scalars, SizesCountInPowersOf1024) {
  EXPECT_EQ(bytes("512"), "512");
  EXPECT_EQ(bytes("64M"), "67108864");
  EXPECT_EQ(bytes("4GiB"), "4294967296");
  EXPECT_EQ(bytes("1.5K"), "1536");
  EXPECT_EQ(bytes("2 GiB"), "2147483648");
  for (const char* text :
       {"", "M", "64MB", "-1", "1.5", "64m", "1e30", "9999999T", "4Gi", "inf", "1.5.5M"})
    EXPECT_EQ(bytes(text), "!") << text;
}

TEST(Scalars, SizesPrintInTheLargestUnitThatDividesThem) {
  EXPECT_EQ(print_bytes(uint64_t{4} << 30), "4GiB");
  EXPECT_EQ(print_bytes(1536), "1536");
  EXPECT_EQ(print_bytes(0), "0");
}

TEST(Scalars, NumbersAreFinite) {
  EXPECT_EQ(std::get<float>(parse_real<float>("1e-3")), 1e-3f);
  EXPECT_EQ(std::get<double>(parse_real<double>("-2.5")), -2.5);
  for (const char* text : {"", "inf", "nan", ".nan", "1e39", "0x1p3", "1,5", "1.0f"})
    EXPECT_TRUE(std::holds_alternative<Problem>(parse_real<float>(text))) << text;
}

TEST(Scalars, LabelsRoundTrip) {
  for (const char* text :
       {"click", "rating >= 4", "rating <= 4", "a b > -1.5", "a < 1e+20", "x == 0"})
    EXPECT_EQ(print_label(std::get<Label>(parse_label(text))), text);
  EXPECT_EQ(print_label(std::get<Label>(parse_label("  rating>=4 "))), "rating >= 4");
}

TEST(Scalars, AnEmptyVariableTakesTheDefault) {
  setenv("CAIRN_TEST_EMPTY", "", 1);
  EXPECT_EQ(std::get<std::string>(expand_environment("a${CAIRN_TEST_EMPTY:-b}c")), "abc");
  EXPECT_EQ(std::get<std::string>(expand_environment("a${CAIRN_TEST_EMPTY}c")), "ac");
  EXPECT_EQ(std::get<std::string>(expand_environment("5$ and $x")), "5$ and $x");
  for (const char* text : {"${", "${}", "${:-x}", "a${CAIRN_TEST_UNSET}"})
    EXPECT_TRUE(std::holds_alternative<Problem>(expand_environment(text))) << text;
}

TEST(Scalars, EscapedTextExpandsToItself) {
  for (const char* text : {"${A}", "$${A}", "$$${", "$", "plain"})
    EXPECT_EQ(std::get<std::string>(expand_environment(escape_environment(text))), text);
}

}  // namespace
}  // namespace cairn
