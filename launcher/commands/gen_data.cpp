#include "launcher/commands/commands.h"
#include "launcher/exit_code.h"

namespace cairn {

void add_gen_data(Program& program) {
  CLI::App* command = program.app.add_subcommand("gen-data", "Write a click log.");
  command->callback([&program] { program.exit_code = kFailed; });
}

}  // namespace cairn
