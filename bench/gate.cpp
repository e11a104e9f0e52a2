#include "bench/gate.h"

#include <fmt/format.h>

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

}  // namespace cairn
