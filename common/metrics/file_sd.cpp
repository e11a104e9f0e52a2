#include "common/metrics/file_sd.h"

#include <nlohmann/json.hpp>

#include "common/atomic_file.h"

namespace cairn {

Status write_file_sd(const std::filesystem::path& path, std::span<const ScrapeTarget> targets) {
  nlohmann::json list = nlohmann::json::array();
  for (const ScrapeTarget& target : targets)
    list.push_back({{"targets", {target.address}},
                    {"labels", {{"role", target.role}, {"rank", std::to_string(target.rank)}}}});
  constexpr auto kReplace = nlohmann::json::error_handler_t::replace;  // the default throws
  return write_file_atomically(path, list.dump(2, ' ', false, kReplace) + "\n");
}

}  // namespace cairn
