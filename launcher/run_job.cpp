#include "launcher/run_job.h"

#include <unistd.h>

#include <filesystem>

#include "launcher/exit_code.h"
#include "launcher/local.h"
#include "launcher/mpirun.h"
#include "launcher/rank.h"
#include "worker/collective/mpi_world.h"

namespace cairn::launcher {

namespace {

// Everything is checked, and the output folder held, before a process starts.
int start_ranks(const JobRequest& request) {
  if (const auto mpirun = find_mpirun(); !mpirun.ok()) return print_error(mpirun.error());
  const auto prepared = prepare(request);
  if (!prepared.ok()) return print_error(prepared.error());
  const JobStart& start = prepared.value().start;

  MpirunOptions options;
  options.ranks = start.job.ps.servers + start.job.train.workers;
  options.hostfile = request.hostfile;
  options.checkpoints = request.mode == training::WorkerMode::kTrain;
  std::error_code error;
  options.command = {std::filesystem::read_symlink("/proc/self/exe", error).string()};
  options.command.insert(options.command.end(), request.arguments.begin(), request.arguments.end());
  options.command.insert(options.command.end(),
                         {"--incarnation", std::to_string(start.incarnation)});
  // mpirun shows its ranks a terminal of its own making, so they cannot see what the user has.
  setenv("CAIRN_TERMINAL", isatty(STDOUT_FILENO) ? "1" : "0", 1);
  const auto code = run_mpirun(options);
  return code.ok() ? code.value() : print_error(code.error());
}

}  // namespace

int run_job(const JobRequest& request) {
  if (request.local) return run_local(request);
  if (collective::MpiWorld::started_by_mpirun()) return run_rank(request);
  return start_ranks(request);
}

}  // namespace cairn::launcher
