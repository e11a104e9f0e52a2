#include "bench/gate.h"

#include <fmt/format.h>

#include <cctype>
#include <cstdio>

namespace cairn {

void gate(const std::string& name, double value, const std::string& bound, double goal) {
  const bool reached = bound == ">=" ? value >= goal : value <= goal;
  fmt::print("gate {} {:.6g} {}{:g} {}\n", name, value, bound, goal, reached ? "ok" : "short");
  std::fflush(stdout);
}

void gate_skipped(const std::string& name, const std::string& bound, double goal,
                  const std::string& why) {
  fmt::print("gate {} - {}{:g} skipped {}\n", name, bound, goal, why);
  std::fflush(stdout);
}

void figure(const std::string& what, double value, const std::string& unit) {
  std::string name;
  for (const char c : what) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '.' || c == '%')
      name += static_cast<char>(std::tolower(byte));
    else if (!name.empty() && name.back() != '_')
      name += '_';
  }
  if (!name.empty() && name.back() == '_') name.pop_back();
  fmt::print("figure {} {:.6g} {}\n", name, value, unit);
  std::fflush(stdout);
}

}  // namespace cairn
