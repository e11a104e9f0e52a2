// The value of a cell as a number, an id or a hash. The same value has the same worth from a CSV
// field, a Parquet column or a request:
//
// - text is parsed (worker/features/numbers.h), integers and numbers are taken as they are;
// - the hash of an integer is that of its decimal text: 42 and "42" are one key;
// - the hash of a number is that of its text: a whole number below 2^63 is written as the integer,
//   any other as the shortest decimal text that reads back as the same double;
// - bytes have a hash alone, the one of a text of these bytes;
// - a number is an id only if it is whole.
//
// A value whose CSV text is written otherwise ("042", "3.0") is another key under `hash`.
// Thread safety: pure functions; MissingValue is const.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/hash.h"
#include "worker/features/numbers.h"
#include "worker/features/record.h"

namespace cairn::features {

// Room for the decimal text of one cell.
using CellText = std::array<char, 32>;

// The text whose hash is the cell's: a view of the cell's own text, or into `room`. No value for
// lists, missing cells and numbers that are not finite.
std::optional<std::string_view> text_of(const Cell& cell, CellText& room);

// A finite number within a float's range; no value for anything else.
std::optional<double> value_of(const Cell& cell);

// A whole number of 64 bits, negative ones as two's complement; no value for anything else.
std::optional<uint64_t> id_of(const Cell& cell);

// For messages: short, and without bytes that would spoil a terminal.
std::string printable(const Cell& cell);

// Tells missing cells: null, the empty text, and what data.missing names, as text or as the integer
// or number of that text.
class MissingValue {
 public:
  explicit MissingValue(std::string_view text);

  bool is(const Cell& cell) const {
    if (cell.kind() != CellKind::kText) [[unlikely]]
      return is_other(cell);
    const std::string_view text = cell.text();
    return text.empty() || text == text_;
  }

 private:
  bool is_other(const Cell& cell) const;

  std::string text_;
  std::optional<double> number_;  // of the text, NaN and infinity included
};

}  // namespace cairn::features
