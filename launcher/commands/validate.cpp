#include <cstdio>
#include <memory>

#include "common/config/estimate.h"
#include "common/config/reference.h"
#include "common/config/resolved.h"
#include "launcher/commands/commands.h"
#include "launcher/data_check.h"
#include "launcher/exit_code.h"
#include "launcher/host.h"

namespace cairn::launcher {

namespace {

struct ValidateOptions {
  std::string job_file;
  std::vector<std::string> overrides;
  bool print_resolved = false, print_reference = false;
};

int validate(const ValidateOptions& options) {
  if (options.print_reference) {
    std::fputs(config_reference().c_str(), stdout);
    return kDone;
  }
  if (options.job_file.empty()) {
    print_error("validate needs a job file; see cairn validate --help");
    return kUsage;
  }
  const auto job = load(options.job_file, options.overrides);
  if (!job.ok()) return print_error(job.error());
  if (options.print_resolved) {
    std::fputs(write_resolved(job.value()).c_str(), stdout);
    return kDone;
  }
  if (const Status columns = check_columns_of_present_files(job.value()); !columns.ok())
    return print_error(columns.error());
  const std::string text = estimate(job.value(), usable_memory_bytes()).text();
  std::printf("%s is right.\n%s", options.job_file.c_str(), text.c_str());
  return kDone;
}

}  // namespace

void add_validate(Program& program) {
  const auto options = std::make_shared<ValidateOptions>();
  CLI::App* command = program.app.add_subcommand(
      "validate", "Check a job file, and say what the job would start and need.");
  command->add_option("job", options->job_file, "Job file (YAML)")->type_name("JOB");
  command
      ->add_option("--set", options->overrides,
                   "Override a value of the job, as in --set train.epochs=2; may be given again")
      ->type_name("KEY=VALUE")
      ->expected(1)
      ->take_all();
  command->add_flag("--print-resolved", options->print_resolved,
                    "Print the job with every default filled in instead");
  command->add_flag("--print-reference", options->print_reference,
                    "Print the reference of all keys (Markdown) instead; needs no job");
  command->callback([&program, options] { program.exit_code = validate(*options); });
}

}  // namespace cairn::launcher
