// Runs a program as a user would: exit code and what it said.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace cairn {

struct Ran {
  int exit_code = -1;  // 128 + a signal
  std::string out, err;
};

// `command[0]` is a path. `environment` is set over the present one.
Ran run_program(const std::vector<std::string>& command,
                const std::map<std::string, std::string>& environment = {});

// The program under test, with arguments.
Ran run_cairn(const std::vector<std::string>& arguments,
              const std::map<std::string, std::string>& environment = {});

}  // namespace cairn
