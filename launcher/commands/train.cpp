#include <memory>

#include "launcher/commands/commands.h"
#include "launcher/run_job.h"

namespace cairn::launcher {

void add_train(Program& program) {
  const auto request = std::make_shared<JobRequest>();
  CLI::App* command = add_job_command(program, "train", "Train a job.", *request);
  command->add_flag("--resume", request->resume,
                    "Go on from the newest checkpoint of the output folder, which is refused "
                    "otherwise once a run has used it");
  command->footer(
      "Starts mpirun with the processes that the job needs; where mpirun has started it, takes a "
      "role by "
      "its rank.\nCtrl-C (or SIGUSR1 to mpirun) finishes the step and writes a checkpoint: exit "
      "code 4. "
      "A second Ctrl-C ends it at once.");
  command->callback([&program, request] {
    request->mode = training::WorkerMode::kTrain;
    request->arguments = program.arguments;
    program.exit_code = run_job(*request);
  });
}

}  // namespace cairn::launcher
