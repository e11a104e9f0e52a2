#include "common/fault_point.h"

#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <string>

namespace cairn {

namespace {

std::string armed_name;
std::atomic<uint64_t> passages_left = 0;

void kill_at(std::string_view name) {
  if (name == armed_name && passages_left.fetch_sub(1) == 1) std::raise(SIGKILL);
}

// Before `main`, so that no program can forget it.
const bool armed_by_environment = [] {
  if (const char* setting = std::getenv("CAIRN_FAULT_POINT")) arm_fault_point(setting);
  return true;
}();

}  // namespace

constinit std::atomic<void (*)(std::string_view)> fault_hook = nullptr;

void arm_fault_point(std::string_view setting) {
  const size_t colon = setting.find(':');
  uint64_t passages = 1;
  if (colon != std::string_view::npos)
    std::from_chars(setting.data() + colon + 1, setting.data() + setting.size(), passages);
  armed_name = setting.substr(0, colon);
  passages_left = passages;
  fault_hook = kill_at;
}

}  // namespace cairn
