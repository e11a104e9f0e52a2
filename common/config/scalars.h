// Text to values and back, as a job file means it. Parsers return a problem's words instead of a
// Result: the caller knows the position. Thread safety: pure functions; expand_environment reads
// the environment.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "common/config/model_config.h"

namespace cairn {

struct Problem {
  std::string what;  // "'1.5' is not a whole number"
  std::string hint;  // may be empty: then the caller says what it wants
};

template <typename T>
using Parsed = std::variant<T, Problem>;

// 5, 1e6, 1_000. Refused: 010 (octal in YAML 1.1, ten in 1.2), 1.5, 0x10. Negative numbers parse,
// so that the caller can call them out of range.
struct Integer {
  bool negative = false;
  uint64_t magnitude = 0;
};
Parsed<Integer> parse_integer(std::string_view text);

// 67108864, 64M, 4GiB, 1.5G: K, M, G, T with or without iB are powers of 1024.
Parsed<uint64_t> parse_bytes(std::string_view text);
std::string print_bytes(uint64_t bytes);  // in the largest unit that divides it: "4GiB"

// Finite decimals. T is float or double.
template <typename T>
Parsed<T> parse_real(std::string_view text);

// true, false
Parsed<bool> parse_bool(std::string_view text);

// "rating >= 4" or "click": the column, comparison and threshold of a task.
struct Label {
  std::string column;
  Comparison comparison = Comparison::kNone;
  double threshold = 0.0;
};
Parsed<Label> parse_label(std::string_view text);
std::string print_label(const Label& label);

// ${NAME} and ${NAME:-default} replaced from the environment; $${ stands for ${.
Parsed<std::string> expand_environment(std::string_view text);
std::string escape_environment(std::string_view text);

// Prints text as a YAML scalar that reads back as the same text. It is plain where that is safe,
// else in double quotes.
std::string print_text(std::string_view text);

}  // namespace cairn
