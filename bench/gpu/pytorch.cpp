#include "bench/gpu/pytorch.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace cairn::gpu {
namespace {

constexpr double kReserve = 20;  // seconds in which it shall end by itself

void take(const std::string& line, PyTorch& results) {
  const auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    fmt::print(stderr, "{}", line);
    return;
  }
  if (json.contains("torch")) {
    results.version = json.value("torch", "");
    return;
  }
  const std::string name = json.value("case", ""), how = json.value("how", "");
  if (json.contains("note"))
    fmt::print("- {}, {} PyTorch: {}\n", name, how, json.value("note", ""));
  if (!json.contains("device_ms")) return;
  auto& times = how == "compiled" ? results.compiled : results.eager;
  times[name] = {1e-3 * json.value("device_ms", 0.0), 1e-3 * json.value("wall_ms", 0.0)};
}

}  // namespace

PyTorch run_pytorch(const std::string& python, const std::string& script, double seconds,
                    std::span<const std::string> cases) {
  PyTorch results;
  const double own = std::max(seconds - kReserve, 1.0);
  const std::string command =
      fmt::format("timeout -k 5 {:.0f} '{}' '{}' --seconds {:.0f} {}", own + kReserve, python,
                  script, own, fmt::join(cases, " "));
  std::fflush(stdout);
  FILE* pipe = popen(command.c_str(), "r");
  if (pipe == nullptr) return results;
  char line[4096];
  while (std::fgets(line, sizeof line, pipe) != nullptr) take(line, results);
  if (pclose(pipe) != 0) fmt::print("- PyTorch's script did not come to its end\n");
  return results;
}

}  // namespace cairn::gpu
