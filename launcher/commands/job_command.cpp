#include "launcher/commands/commands.h"

namespace cairn::launcher {

CLI::App* add_job_command(Program& program, const std::string& name, const std::string& description,
                          JobRequest& request) {
  CLI::App* command = program.app.add_subcommand(name, description);
  command->add_option("job", request.job_file, "Job file (YAML)")->required()->type_name("");
  command
      ->add_option("--set", request.overrides,
                   "Override a value of the job, as in --set train.epochs=2; may be given again")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  command->add_flag("--local", request.local, "Run it all in this process, without mpirun");
  command
      ->add_option("--hostfile", request.hostfile,
                   "Hosts for mpirun, one per line (\"node1 slots=4\"); default: this host")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  // Given by the `cairn` that starts mpirun to the ranks: the start is prepared already.
  command->add_option("--incarnation", request.incarnation)->group("");
  return command;
}

}  // namespace cairn::launcher
