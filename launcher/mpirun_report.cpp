#include "launcher/mpirun_report.h"

#include <fmt/ranges.h>

#include <cstdlib>
#include <sstream>
#include <utility>

namespace cairn::launcher {

namespace {

const std::string kDashes(74, '-');

constexpr std::string_view kRoles = "cairn roles: ";

std::vector<std::string> parse_roles(const std::string& line) {
  std::vector<std::string> roles;
  std::istringstream names(line.substr(kRoles.size(), line.size() - kRoles.size() - 1));
  for (std::string name; std::getline(names, name, ',');) roles.push_back(name);
  return roles;
}

// How the accounts of a job's end begin.
constexpr std::string_view kEnds[] = {
    "Primary job  terminated normally, but ",
    "mpirun detected that one or more processes exited with non-zero status",
    "MPI_ABORT was invoked on rank ",
};

// mpirun noticed that process rank 1 with PID 0 on node HOST exited on signal 9 (Killed).
std::optional<MpirunReport::Killed> parse_killed(const std::string& block) {
  constexpr std::string_view kRank = "mpirun noticed that process rank ", kHost = " on node ",
                             kSignal = " exited on signal ";
  const size_t host = block.find(kHost), signal = block.find(kSignal);
  if (!block.starts_with(kRank) || host == std::string::npos || signal == std::string::npos ||
      signal < host)
    return std::nullopt;
  MpirunReport::Killed killed;
  killed.rank = static_cast<unsigned>(std::strtoul(block.c_str() + kRank.size(), nullptr, 10));
  killed.host = block.substr(host + kHost.size(), signal - host - kHost.size());
  killed.signal = block.substr(signal + kSignal.size());
  killed.signal.resize(killed.signal.find_last_not_of(".\n") + 1);
  return killed;
}

}  // namespace

std::string roles_line(std::span<const std::string> roles) {
  return fmt::format("{}{}\n", kRoles, fmt::join(roles, ","));
}

std::string MpirunReport::role_of(unsigned rank) const {
  return rank < roles_.size() ? roles_[rank] : "a process of the job";
}

std::string MpirunReport::take(std::string_view bytes) {
  std::string shown;
  for (size_t end; (end = bytes.find('\n')) != std::string_view::npos;) {
    partial_ += bytes.substr(0, end + 1);
    take_line(std::exchange(partial_, {}), shown);
    bytes.remove_prefix(end + 1);
  }
  partial_ += bytes;
  return shown;
}

std::string MpirunReport::finish() {
  in_block_ = false;
  return std::exchange(block_, {}) + std::exchange(partial_, {});
}

void MpirunReport::take_line(std::string line, std::string& shown) {
  if (line.starts_with(kRoles)) {
    roles_ = parse_roles(line);
  } else if (line == kDashes + "\n") {
    if (in_block_ && !is_known(block_)) shown += kDashes + "\n" + block_ + line;
    block_.clear();
    in_block_ = !in_block_;
  } else if (in_block_) {
    block_ += line;
  } else if (!line.starts_with("mpirun: Forwarding signal ")) {
    shown += line;
  }
}

bool MpirunReport::is_known(const std::string& block) {
  if (auto killed = parse_killed(block)) {
    killed_ = std::move(killed);
    return true;
  }
  for (const std::string_view beginning : kEnds)
    if (block.starts_with(beginning)) return true;
  return false;
}

}  // namespace cairn::launcher
