#include "ps/system/boot_id.h"

#include <fstream>

namespace cairn::ps {

Result<std::string> kernel_boot_id() {
  constexpr const char* kPath = "/proc/sys/kernel/random/boot_id";
  std::ifstream file(kPath);
  std::string id;
  if (!std::getline(file, id) || id.empty())
    return Error{ErrorCode::kUnavailable, std::string("cannot read ") + kPath};
  return id;
}

}  // namespace cairn::ps
