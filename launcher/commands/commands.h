// The commands of `cairn`, one file each. A function adds its command to the program; where it is
// the one that was asked for, its callback runs it and leaves its exit code.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "launcher/job_start.h"

namespace cairn::launcher {

struct Program {
  CLI::App& app;
  std::vector<std::string> arguments;  // the command line, without the program
  int exit_code = 0;
};

void add_train(Program& program);
void add_eval(Program& program);
void add_predict(Program& program);
void add_validate(Program& program);
void add_gen_data(Program& program);
void add_inspect(Program& program);
void add_ps(Program& program);
void add_version(Program& program);

// Options that train, eval and predict have in common: JOB, --set, --local, --hostfile. The request
// is filled in when the callback runs.
CLI::App* add_job_command(Program& program, const std::string& name, const std::string& description,
                          JobRequest& request);

}  // namespace cairn::launcher
