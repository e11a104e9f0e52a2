#include <memory>

#include "launcher/commands/commands.h"
#include "launcher/run_job.h"

namespace cairn::launcher {

void add_eval(Program& program) {
  const auto request = std::make_shared<JobRequest>();
  CLI::App* command = add_job_command(
      program, "eval", "Evaluate a checkpoint on the job's evaluation data.", *request);
  command
      ->add_option("--checkpoint", request->checkpoint,
                   "Checkpoint to read; default: the newest in the job's checkpoint.dir")
      ->type_name("DIR");
  command->callback([&program, request] {
    request->mode = training::WorkerMode::kEvaluate;
    request->arguments = program.arguments;
    program.exit_code = run_job(*request);
  });
}

}  // namespace cairn::launcher
