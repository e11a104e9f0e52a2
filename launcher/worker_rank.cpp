#include "launcher/worker_rank.h"

#include <fmt/core.h>

#include <exception>
#include <new>
#include <zmq.hpp>

#include "common/log.h"
#include "launcher/exit_code.h"
#include "launcher/signals.h"

namespace cairn::launcher {

WorkerRank::WorkerRank(const JobConfig& job, uint32_t rank, uint32_t worker)
    : job_(job), rank_(rank), worker_(worker) {}

StartReport WorkerRank::start() {
  const auto failure = [](const Error& error) {
    return StartReport{exit_code_of(error.code), error.message, {}, 0};
  };
  if (const Status log = init_log("worker", worker_, "info"); !log.ok())
    return failure(log.error());
  auto http = serve_metrics(job_.metrics, rank_, metrics_, ready_);
  if (!http.ok()) return failure(http.error());
  http_ = std::move(http).value();
  return {kDone, "", {}, http_ ? http_->port() : uint16_t{0}};
}

training::WorkerOutcome WorkerRank::run(const JobRequest& request, const JobStart& start,
                                        const std::vector<Endpoint>& endpoints,
                                        collective::Collective& workers) {
  zmq::context_t context(1);
  ready_ = true;
  const training::WorkerOutcome outcome =
      run_worker_to_its_end(worker_options(request, start, endpoints), workers, context,
                            metrics_.worker(worker_, task_names(job_)));
  ready_ = false;
  return outcome;
}

training::WorkerOutcome run_worker_to_its_end(const training::WorkerOptions& options,
                                              collective::Collective& collective,
                                              zmq::context_t& context, WorkerMetrics& metrics) {
  try {
    return training::run_worker(options, collective, context, metrics);
  } catch (const std::bad_alloc&) {
    return {kFailed,
            fmt::format("out of memory: worker {} cannot hold the model or its batch; `cairn "
                        "validate` says what dense parameters need",
                        collective.rank()),
            false};
  } catch (const std::exception& thrown) {
    return {kFailed, fmt::format("worker {} failed: {}", collective.rank(), thrown.what()), false};
  }
}

training::WorkerOptions worker_options(const JobRequest& request, const JobStart& start,
                                       const std::vector<Endpoint>& endpoints) {
  training::WorkerOptions options;
  options.job = start.job;
  options.mode = request.mode;
  options.incarnation = start.incarnation;
  options.endpoints = endpoints;
  options.checkpoint = start.checkpoint;
  options.inputs = request.inputs;
  options.predictions = request.predictions;
  options.interrupted = &interrupted();
  return options;
}

std::vector<std::string> task_names(const JobConfig& job) {
  std::vector<std::string> names;
  for (const TaskConfig& task : job.model.tasks) names.push_back(task.name);
  return names;
}

}  // namespace cairn::launcher
