#include "launcher/host.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>

namespace cairn::launcher {

namespace {

constexpr char kSocketLock[] = "lock";

std::string first_line(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// The limit that a cgroup file states; "max" and what is no number are none.
uint64_t limit_in(const std::filesystem::path& path) {
  const std::string text = first_line(path);
  uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (error != std::errc{} || text.empty()) return std::numeric_limits<uint64_t>::max();
  return bytes;
}

// The lowest limit of this process's cgroup and those above it, of version 2 or 1. Inside a
// container the path may be the host's and not exist here; the root of the mount is then the
// container's own.
uint64_t cgroup_limit() {
  uint64_t lowest = std::numeric_limits<uint64_t>::max();
  const auto take_lowest_up = [&](const std::filesystem::path& mount, std::string group,
                                  const char* file) {
    for (;; group.resize(group.rfind('/'))) {
      lowest = std::min(lowest, limit_in(mount.string() + group + "/" + file));
      if (group.rfind('/') == std::string::npos) return;
    }
  };
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "0::/path" or "7:memory:/path"
    const size_t path = line.rfind(':') + 1;
    if (line.starts_with("0::"))
      take_lowest_up("/sys/fs/cgroup", line.substr(path), "memory.max");
    else if (line.find(":memory:") != std::string::npos)
      take_lowest_up("/sys/fs/cgroup/memory", line.substr(path), "memory.limit_in_bytes");
  }
  return lowest;
}

}  // namespace

std::string host_name() {
  char name[256] = "";
  gethostname(name, sizeof(name) - 1);
  return name;
}

std::string host_identity() {
  return host_name() + " " + first_line("/proc/sys/kernel/random/boot_id");
}

uint64_t usable_memory_bytes() {
  const auto pages = static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES));
  return std::min(pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)), cgroup_limit());
}

uint64_t hot_bytes_of_a_shard(const PsConfig& ps, uint32_t shards_on_this_host) {
  if (ps.hot_bytes != 0) return ps.hot_bytes;
  return usable_memory_bytes() / 4 / std::max(1u, shards_on_this_host);
}

uint64_t random_bits() {
  uint64_t bits = 0;
  // Below 256 bytes it is never cut short, and it fails only before the kernel's generator is
  // ready.
  while (getrandom(&bits, sizeof(bits), 0) != sizeof(bits)) {
  }
  return bits;
}

std::filesystem::path socket_folder(uint64_t incarnation) {
  return fmt::format("/tmp/cairn-{:016x}", incarnation);
}

Status make_socket_folder(uint64_t incarnation) {
  const std::string folder = socket_folder(incarnation).string();
  // It must be new: one that is there already may be somebody else's.
  if (mkdir(folder.c_str(), 0700) != 0)
    return Error{ErrorCode::kUnavailable,
                 fmt::format("cannot make {} for sockets: {}", folder, std::strerror(errno))};
  // Locked before it has its name, so that nobody who looks for dead folders can lock it first.
  // Never closed: the process's end unlocks it.
  const std::string fresh = folder + "/new";
  const int lock = open(fresh.c_str(), O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
  if (lock < 0 || flock(lock, LOCK_EX) != 0 ||
      rename(fresh.c_str(), (folder + "/" + kSocketLock).c_str()) != 0)
    return Error{ErrorCode::kUnavailable,
                 fmt::format("cannot lock {}: {}", folder, std::strerror(errno))};
  return Ok{};
}

void remove_dead_socket_folders() {
  std::error_code ignored;
  for (std::filesystem::directory_iterator entry("/tmp", ignored), end; !ignored && entry != end;
       entry.increment(ignored)) {
    const std::string folder = entry->path().string();
    struct stat info = {};
    if (!folder.starts_with("/tmp/cairn-") || lstat(folder.c_str(), &info) != 0 ||
        !S_ISDIR(info.st_mode) || info.st_uid != geteuid())
      continue;
    const int lock = open((folder + "/" + kSocketLock).c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (lock < 0) continue;  // no such folder, or one in the making
    std::error_code left;
    if (flock(lock, LOCK_EX | LOCK_NB) == 0) std::filesystem::remove_all(folder, left);
    close(lock);
  }
}

}  // namespace cairn::launcher
