// Names the kernel boot. Files that were only handed to a kernel, not synced, count as kept within
// the same boot.
#pragma once

#include <string>

#include "common/result.h"

namespace cairn::ps {

// As /proc/sys/kernel/random/boot_id gives it: a UUID as text. Errors: kUnavailable.
Result<std::string> kernel_boot_id();

}  // namespace cairn::ps
