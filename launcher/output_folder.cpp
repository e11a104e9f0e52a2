#include "launcher/output_folder.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <system_error>
#include <thread>
#include <utility>

#include "common/checkpoint/manifest.h"
#include "common/config/job_file.h"

namespace cairn::launcher {

Result<OutputLock> OutputLock::take(const std::filesystem::path& output) {
  std::error_code error;
  std::filesystem::create_directories(output, error);
  if (error)
    return Error{ErrorCode::kUnavailable,
                 "cannot make the output folder " + output.string() + ": " + error.message()};

  const std::filesystem::path path = output / ".lock";
  const int descriptor = open(path.c_str(), O_CREAT | O_RDWR, 0666);
  if (descriptor < 0)
    return Error{ErrorCode::kUnavailable, "cannot write into the output folder " + output.string() +
                                              ": " + std::strerror(errno)};
  OutputLock lock(descriptor);
  if (flock(descriptor, LOCK_EX | LOCK_NB) != 0)
    return Error{ErrorCode::kUnavailable,
                 errno == EWOULDBLOCK
                     ? "another run is using the output folder " + output.string() +
                           "; wait for its end, or give this one another `output`"
                     : "cannot lock " + path.string() + ": " + std::strerror(errno)};
  return lock;
}

OutputLock::OutputLock(OutputLock&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)) {}

OutputLock::~OutputLock() {
  if (descriptor_ >= 0) close(descriptor_);
}

void remove_live_stores(const JobConfig& job, uint64_t incarnation) {
  // A folder that the user named may hold the stores of other jobs.
  const std::filesystem::path state = job.ps.state;
  const bool own = job.ps.state == default_state(job.output);
  std::error_code ignored;  // what is left is never read again
  std::filesystem::remove_all(own ? state : state / fmt::format("{:016x}", incarnation), ignored);
}

void remove_folder(const std::filesystem::path& folder) {
  std::error_code ignored;
  for (int tries = 0; tries < 50; ++tries) {
    std::filesystem::remove_all(folder, ignored);
    if (!std::filesystem::exists(folder, ignored)) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

bool was_used(const std::filesystem::path& output, const std::filesystem::path& checkpoints) {
  std::error_code none;
  return std::filesystem::exists(output / "result.json", none) ||
         std::filesystem::exists(output / "metrics.jsonl", none) ||
         newest_checkpoint(checkpoints).ok();
}

}  // namespace cairn::launcher
