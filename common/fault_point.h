// Named places at which a test ends the process, to see that a recovery succeeds:
//
//   CAIRN_FAULT_POINT=NAME[:N]   the N-th passage (the first, where N is not given) of NAME raises
//                                SIGKILL
//
// A point stands between two steps where a crash may keep the first alone. Its name is
// PART.STEP_DONE: "log.segment_created". An unarmed point costs one relaxed load. Thread safety:
// any thread.
#pragma once

#include <atomic>
#include <string_view>

namespace cairn {

// Null unless the process was started with CAIRN_FAULT_POINT, or a test puts its own in.
extern std::atomic<void (*)(std::string_view name)> fault_hook;

inline void fault_point(std::string_view name) {
  if (const auto hook = fault_hook.load(std::memory_order_relaxed)) [[unlikely]]
    hook(name);
}

// Arms `setting`, NAME[:N], in this process.
void arm_fault_point(std::string_view setting);

}  // namespace cairn
