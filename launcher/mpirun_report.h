// Passes on what mpirun writes to stderr, without its own account of how the job ended: `cairn`
// says that in one line. Everything else passes: what ranks write, and what else mpirun has to say
// (no slots, a host not reached).
//
// Read from Open MPI 4.1. Where another version words things differently its text passes too: said
// twice, never lost. Thread safety: none.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::launcher {

// By which rank 0 tells the `cairn` above mpirun what every rank does, as only ranks know their
// hosts. The user is not shown it. `roles`: by rank, without commas.
std::string roles_line(std::span<const std::string> roles);

class MpirunReport {
 public:
  // A process that ended by a signal, and so took the job with it.
  struct Killed {
    unsigned rank = 0;
    std::string host;
    std::string signal;  // "9 (Killed)"
  };

  // Takes the next bytes and returns what the user should see of them, whole lines.
  std::string take(std::string_view bytes);

  // The text that is left when mpirun has ended.
  std::string finish();

  const std::optional<Killed>& killed() const { return killed_; }

  // The role of the rank, as rank 0 has told by `roles_line`; "a process of the job" before that.
  std::string role_of(unsigned rank) const;

 private:
  void take_line(std::string line, std::string& shown);
  bool is_known(const std::string& block);

  std::string partial_;  // a line without its end
  std::string block_;    // mpirun writes its messages between lines of dashes
  bool in_block_ = false;
  std::optional<Killed> killed_;
  std::vector<std::string> roles_;  // by rank
};

}  // namespace cairn::launcher
