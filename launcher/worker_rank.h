// A worker rank of an mpirun: what a worker needs around it.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "launcher/job_start.h"
#include "launcher/serve_metrics.h"
#include "launcher/server_spec.h"

namespace cairn::launcher {

class WorkerRank {
 public:
  // `rank`: among all ranks; `worker`: among workers.
  WorkerRank(const JobConfig& job, uint32_t rank, uint32_t worker);

  // Serves this process's metrics; the report is of that.
  StartReport start();

  training::WorkerOutcome run(const JobRequest& request, const JobStart& start,
                              const std::vector<Endpoint>& endpoints,
                              collective::Collective& workers);

 private:
  const JobConfig& job_;
  const uint32_t rank_, worker_;
  Metrics metrics_{kVersionText};
  std::atomic<bool> ready_{false};
  std::unique_ptr<HttpServer> http_;  // last: it stops before what it serves
};

// run_worker, where an exception (of libraries; memory that is not there) ends only this worker,
// not agreed with the others.
training::WorkerOutcome run_worker_to_its_end(const training::WorkerOptions& options,
                                              collective::Collective& collective,
                                              zmq::context_t& context, WorkerMetrics& metrics);

// For a worker of any kind of run.
training::WorkerOptions worker_options(const JobRequest& request, const JobStart& start,
                                       const std::vector<Endpoint>& endpoints);
std::vector<std::string> task_names(const JobConfig& job);

}  // namespace cairn::launcher
