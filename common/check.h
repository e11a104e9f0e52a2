// Stops the process when the code is wrong: shapes that disagree, a broken invariant. Release
// builds stop too: a crashed worker is restarted, a silently wrong embedding is trained on.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>
#include <string_view>

namespace cairn {

inline void check(bool holds, std::string_view what,
                  std::source_location at = std::source_location::current()) {
  if (holds) [[likely]]
    return;
  std::fprintf(stderr, "%s:%u: check failed: %.*s\n", at.file_name(), at.line(),
               static_cast<int>(what.size()), what.data());
  std::abort();
}

}  // namespace cairn
