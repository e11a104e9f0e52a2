#include <exception>
#include <new>

#include "launcher/commands/commands.h"
#include "launcher/exit_code.h"

int main(int argc, char** argv) {
  using namespace cairn;
  using namespace cairn::launcher;
  CLI::App app(
      "Cairn trains recommender models whose embedding tables are larger than memory.\n"
      "Exit codes: 0 done, 1 failed, 2 job file or command line wrong, 3 data wrong, 4 interrupted "
      "with a checkpoint written.");
  app.name("cairn");
  app.require_subcommand(0, 1);  // none is ours to tell: CLI11 would hide an unknown word behind it
  app.set_help_all_flag("--help-all", "Print the help of all commands and exit");

  Program program{app, std::vector<std::string>(argv + 1, argv + argc)};
  add_train(program);
  add_eval(program);
  add_predict(program);
  add_validate(program);
  add_gen_data(program);
  add_inspect(program);
  add_ps(program);
  add_version(program);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // the help that was asked for
    const auto chosen = app.get_subcommands();
    print_error(std::string(error.what()) + "; see cairn " +
                (chosen.empty() ? "" : chosen.front()->get_name() + " ") + "--help");
    return kUsage;
  } catch (const std::bad_alloc&) {
    print_error("out of memory");
    return kFailed;
  } catch (const std::exception& thrown) {
    print_error(thrown.what());
    return kFailed;
  }
  if (app.get_subcommands().empty()) {
    print_error("name a command; see cairn --help");
    return kUsage;
  }
  return program.exit_code;
}
