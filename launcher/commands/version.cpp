#include <cstdio>

#include "launcher/commands/commands.h"
#include "launcher/serve_metrics.h"

namespace cairn::launcher {

void add_version(Program& program) {
  program.app.add_subcommand("version", "Print the version.")->callback([] {
    std::printf("cairn %s\n", kVersionText);
  });
}

}  // namespace cairn::launcher
