#include <memory>

#include "launcher/commands/commands.h"
#include "launcher/run_job.h"

namespace cairn::launcher {

void add_predict(Program& program) {
  const auto request = std::make_shared<JobRequest>();
  CLI::App* command = add_job_command(
      program, "predict", "Write a checkpoint's predictions, one row per line.", *request);
  command->add_option("--output", request->predictions, "File to write")
      ->type_name("FILE")
      ->required();
  command
      ->add_option("--input", request->inputs,
                   "Files to predict, in the format of the job's data; default: its data.eval")
      ->type_name("FILES");
  command
      ->add_option("--checkpoint", request->checkpoint,
                   "Checkpoint to read; default: the newest in the job's checkpoint.dir")
      ->type_name("DIR");
  command->callback([&program, request] {
    request->mode = training::WorkerMode::kPredict;
    request->arguments = program.arguments;
    program.exit_code = run_job(*request);
  });
}

}  // namespace cairn::launcher
