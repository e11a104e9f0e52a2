// Numbers and times from text. Spaces around a number and a leading + are tolerated.
// Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace cairn::features {

// A finite number, in decimal or scientific notation; no value for anything else, NaN, infinity and
// what a float cannot hold included.
std::optional<double> parse_number(std::string_view text);

// A whole number from -2^63 to 2^64 - 1; negative ones as two's complement.
std::optional<uint64_t> parse_id(std::string_view text);

// Parts of a time in Unix seconds, in UTC. Hours 0 to 23; days 0 (Monday) to 6.
uint32_t hour_of_day(int64_t seconds);
uint32_t day_of_week(int64_t seconds);

}  // namespace cairn::features
