#include "common/config/scalars.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace cairn {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Removes underscores that stand between digits. False if one stands elsewhere.
bool strip_underscores(std::string_view text, std::string& out) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      out += text[i];
    } else if (i == 0 || i + 1 == text.size() || !is_digit(text[i - 1]) || !is_digit(text[i + 1])) {
      return false;
    }
  }
  return true;
}

template <typename T>
bool read_number(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} && end == text.data() + text.size();
}

constexpr std::string_view kUnits = "KMGT";
constexpr double kExactDouble = 9007199254740992.0;  // 2^53

struct Operator {
  std::string_view sign;
  Comparison comparison;
};
// Longer signs first: ">=" begins with ">".
constexpr Operator kOperators[] = {{">=", Comparison::kGreaterEqual},
                                   {"<=", Comparison::kLessEqual},
                                   {"==", Comparison::kEqual},
                                   {">", Comparison::kGreater},
                                   {"<", Comparison::kLess}};

}  // namespace

Parsed<Integer> parse_integer(std::string_view text) {
  const Problem not_integer{fmt::format("'{}' is not an integer", text), ""};
  std::string digits;
  if (!strip_underscores(text, digits)) return not_integer;
  std::string_view rest = digits;
  Integer out;
  if (!rest.empty() && (rest[0] == '-' || rest[0] == '+')) {
    out.negative = rest[0] == '-';
    rest.remove_prefix(1);
  }
  if (rest.empty() || !is_digit(rest[0])) return not_integer;
  if (rest.size() > 1 && rest[0] == '0' && is_digit(rest[1]))
    return Problem{fmt::format("'{}' has a leading zero, which YAML may read as octal", text),
                   "write it without"};
  if (std::all_of(rest.begin(), rest.end(), is_digit)) {
    if (!read_number(rest, out.magnitude))
      return Problem{fmt::format("'{}' is too large", text), ""};
    return out;
  }
  double real = 0.0;
  if (!read_number(rest, real) || !std::isfinite(real)) return not_integer;
  if (real > kExactDouble) return Problem{fmt::format("'{}' is too large", text), ""};
  if (real != std::floor(real)) return Problem{fmt::format("'{}' is not a whole number", text), ""};
  out.magnitude = static_cast<uint64_t>(real);
  return out;
}

Parsed<uint64_t> parse_bytes(std::string_view text) {
  const Problem not_size{fmt::format("'{}' is not a size", text), ""};
  std::string_view number = text;
  uint64_t unit = 1;
  const size_t letter = text.find_first_of(kUnits);
  if (letter != std::string_view::npos) {
    const std::string_view suffix = text.substr(letter + 1);
    if (suffix == "B")
      return Problem{fmt::format("'{}' could count in powers of 1000 or of 1024", text),
                     fmt::format("write {}iB", text.substr(0, letter + 1))};
    if (!suffix.empty() && suffix != "iB") return not_size;
    unit = uint64_t{1} << (10 * (kUnits.find(text[letter]) + 1));
    number = trim(text.substr(0, letter));
  }
  const Parsed<Integer> whole = parse_integer(number);
  if (const Integer* value = std::get_if<Integer>(&whole)) {
    if (value->negative && value->magnitude > 0)
      return Problem{fmt::format("'{}' is negative", text), ""};
    if (value->magnitude > (uint64_t{1} << 62) / unit)
      return Problem{fmt::format("'{}' is too large", text), ""};
    return value->magnitude * unit;
  }
  double real = 0.0;
  if (unit == 1 || number.empty() || !is_digit(number[0]) || !read_number(number, real))
    return not_size;
  const double bytes = real * static_cast<double>(unit);
  if (!(bytes < 4e18)) return Problem{fmt::format("'{}' is too large", text), ""};
  return static_cast<uint64_t>(bytes);
}

std::string print_bytes(uint64_t bytes) {
  for (size_t power = kUnits.size(); power > 0; --power) {
    const uint64_t unit = uint64_t{1} << (10 * power);
    if (bytes >= unit && bytes % unit == 0)
      return fmt::format("{}{}iB", bytes / unit, kUnits[power - 1]);
  }
  return std::to_string(bytes);
}

template <typename T>
Parsed<T> parse_real(std::string_view text) {
  const Problem not_number{fmt::format("'{}' is not a number", text), ""};
  std::string digits;
  if (!strip_underscores(text, digits)) return not_number;
  std::string_view rest = digits;
  if (!rest.empty() && rest[0] == '+') rest.remove_prefix(1);
  T value{};
  // A value too large or too small for T is out of range here, never infinity.
  if (!read_number(rest, value)) return not_number;
  if (!std::isfinite(value)) return Problem{fmt::format("'{}' is not finite", text), ""};
  return value;
}
template Parsed<float> parse_real<float>(std::string_view);
template Parsed<double> parse_real<double>(std::string_view);

Parsed<bool> parse_bool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return Problem{fmt::format("'{}' is not true or false", text), ""};
}

Parsed<Label> parse_label(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    for (const Operator& op : kOperators) {
      if (!text.substr(i).starts_with(op.sign)) continue;
      Label label{std::string(trim(text.substr(0, i))), op.comparison, 0.0};
      const std::string_view right = trim(text.substr(i + op.sign.size()));
      const Parsed<double> threshold = parse_real<double>(right);
      if (label.column.empty())
        return Problem{fmt::format("'{}' names no column", text), "write 'column >= number'"};
      if (!std::holds_alternative<double>(threshold))
        return Problem{fmt::format("'{}' in '{}' is not a number", right, text),
                       "write 'column >= number'"};
      label.threshold = std::get<double>(threshold);
      return label;
    }
  }
  return Label{std::string(trim(text)), Comparison::kNone, 0.0};
}

std::string print_label(const Label& label) {
  for (const Operator& op : kOperators)
    if (op.comparison == label.comparison)
      return fmt::format("{} {} {}", label.column, op.sign, label.threshold);
  return label.column;
}

Parsed<std::string> expand_environment(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (text.substr(i).starts_with("$${")) {
      out += "${";
      i += 3;
    } else if (text.substr(i).starts_with("${")) {
      const size_t end = text.find('}', i);
      if (end == std::string_view::npos)
        return Problem{"'${' without '}'", "write ${NAME}, or $${ for the text itself"};
      const std::string_view inside = text.substr(i + 2, end - i - 2);
      const size_t split = inside.find(":-");
      const std::string name(inside.substr(0, split));
      if (name.empty())
        return Problem{"'${}' names no variable", "write ${NAME}, or $${ for the text itself"};
      const char* value = std::getenv(name.c_str());
      const bool has_default = split != std::string_view::npos;
      if (value == nullptr && !has_default)
        return Problem{fmt::format("the environment variable {} is not set", name),
                       fmt::format("set it: export {}=...", name)};
      // As in a shell, `:-` also replaces an empty value.
      if (has_default && (value == nullptr || *value == '\0'))
        out += inside.substr(split + 2);
      else
        out += value;
      i = end + 1;
    } else {
      out += text[i++];
    }
  }
  return out;
}

std::string escape_environment(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i).starts_with("${")) out += '$';
    out += text[i];
  }
  return out;
}

std::string print_text(std::string_view text) {
  const auto plain = [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
           c == '/' || c == '.' || c == '-';
  };
  // Words that YAML 1.1 reads as a boolean or as nothing.
  constexpr std::string_view kWords[] = {"true", "false", "yes", "no",  "on",
                                         "off",  "y",     "n",   "null"};
  std::string lower(text);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  const bool safe_start = !text.empty() && !is_digit(text[0]) && text[0] != '-' && text[0] != '.';
  if (safe_start && std::all_of(text.begin(), text.end(), plain) &&
      std::find(std::begin(kWords), std::end(kWords), lower) == std::end(kWords))
    return std::string(text);

  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace cairn
