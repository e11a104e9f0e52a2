#include "worker/features/cell_values.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

namespace cairn::features {
namespace {

constexpr double kTwoTo63 = 9'223'372'036'854'775'808.0;

template <typename T>
std::string_view write(T value, CellText& room) {
  const auto [end, failed] = std::to_chars(room.data(), room.data() + room.size(), value);
  check(failed == std::errc{}, "the room holds every number");
  return {room.data(), static_cast<size_t>(end - room.data())};
}

// The integer that the number is; no value where it is none of 64 bits.
std::optional<int64_t> whole(double value) {
  if (!(std::fabs(value) < kTwoTo63) || std::floor(value) != value) return std::nullopt;
  return static_cast<int64_t>(value);
}

}  // namespace

std::optional<std::string_view> text_of(const Cell& cell, CellText& room) {
  switch (cell.kind()) {
    case CellKind::kText:
    case CellKind::kBytes:
      return cell.text();
    case CellKind::kInteger:
      return write(cell.integer(), room);
    case CellKind::kUnsigned:
      return write(cell.id(), room);
    case CellKind::kNumber:
      if (const std::optional<int64_t> integer = whole(cell.number())) return write(*integer, room);
      if (!std::isfinite(cell.number())) return std::nullopt;
      return write(cell.number(), room);
    default:
      return std::nullopt;
  }
}

std::optional<double> value_of(const Cell& cell) {
  switch (cell.kind()) {
    case CellKind::kText:
      return parse_number(cell.text());
    case CellKind::kInteger:
      return static_cast<double>(cell.integer());
    case CellKind::kUnsigned:
      return static_cast<double>(cell.id());
    case CellKind::kNumber:
      // NaN fails this comparison too.
      if (!(std::fabs(cell.number()) <= std::numeric_limits<float>::max())) return std::nullopt;
      return cell.number();
    default:
      return std::nullopt;
  }
}

std::optional<uint64_t> id_of(const Cell& cell) {
  switch (cell.kind()) {
    case CellKind::kText:
      return parse_id(cell.text());
    case CellKind::kInteger:
      return static_cast<uint64_t>(cell.integer());
    case CellKind::kUnsigned:
      return cell.id();
    case CellKind::kNumber:
      if (const std::optional<int64_t> integer = whole(cell.number()))
        return static_cast<uint64_t>(*integer);
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

std::string printable(const Cell& cell) {
  if (cell.is_list()) return fmt::format("a list of {}", cell.size());
  if (cell.kind() == CellKind::kBytes) return fmt::format("{} bytes", cell.text().size());
  if (cell.kind() == CellKind::kMissing) return {};
  CellText room;
  const std::optional<std::string_view> text = text_of(cell, room);
  if (!text) return fmt::format("{}", cell.number());
  constexpr size_t kShown = 40;
  std::string shown(text->substr(0, kShown));
  for (char& c : shown)
    if (static_cast<unsigned char>(c) < 32 || c == 127) c = '?';
  if (text->size() > kShown) shown += "...";
  return shown;
}

MissingValue::MissingValue(std::string_view text) : text_(text) {
  double value;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!text.empty() && failed == std::errc{} && end == text.data() + text.size()) number_ = value;
}

bool MissingValue::is_other(const Cell& cell) const {
  switch (cell.kind()) {
    case CellKind::kMissing:
      return true;
    case CellKind::kBytes:
      return cell.text().empty();
    case CellKind::kInteger:
    case CellKind::kUnsigned: {
      CellText room;
      return number_ && text_of(cell, room) == text_;
    }
    case CellKind::kNumber:
      return number_ &&
             (cell.number() == *number_ || (std::isnan(cell.number()) && std::isnan(*number_)));
    default:
      return false;
  }
}

}  // namespace cairn::features
