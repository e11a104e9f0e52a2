#include <memory>

#include "launcher/commands/commands.h"
#include "launcher/exit_code.h"
#include "launcher/server_process.h"

namespace cairn::launcher {

void add_ps(Program& program) {
  const auto supervisor = std::make_shared<pid_t>(0);
  CLI::App* command = program.app.add_subcommand(
      "ps", "Be a server process (train, eval and predict start these).");
  command->add_option("--supervisor", *supervisor, "Process that started this one")
      ->type_name("PID")
      ->group("");
  // The spec say it too; here, so that a list of processes shows it.
  const auto recover = std::make_shared<bool>(false);
  command->add_flag("--recover", *recover, "Go on from the store and log of one that died")
      ->group("");
  command->callback([&program, supervisor, recover] {
    if (*supervisor != 0) {
      program.exit_code = run_server_process(*supervisor);
      return;
    }
    print_error("`cairn ps` is started by `cairn train`, `eval` and `predict`; start one of these");
    program.exit_code = kUsage;
  });
}

}  // namespace cairn::launcher
