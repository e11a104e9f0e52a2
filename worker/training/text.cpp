#include "worker/training/text.h"

#include <fmt/format.h>

#include <cmath>

namespace cairn::training {

std::string with_commas(uint64_t number) {
  std::string text = std::to_string(number);
  for (size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, 1, ',');
  return text;
}

std::string duration_text(double seconds) {
  if (!(seconds >= 0.0) || seconds > 3.6e6) return "?";
  const uint64_t whole = static_cast<uint64_t>(std::llround(seconds));
  const uint64_t hours = whole / 3600, minutes = whole / 60 % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02}", hours, minutes, whole % 60);
  return fmt::format("{}:{:02}", minutes, whole % 60);
}

}  // namespace cairn::training
