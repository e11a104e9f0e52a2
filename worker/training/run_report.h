// Tells how a run goes: Progress and metrics.jsonl on worker 0, Prometheus on every worker,
// result.json at the end. Trouble in writing a report is logged and never ends a run, except for
// result.json. Thread safety: none.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <vector>

#include "worker/client/ps_client.h"
#include "worker/collective/collective.h"
#include "worker/evaluation/evaluation_report.h"
#include "worker/features/batch.h"
#include "worker/training/job_view.h"
#include "worker/training/progress.h"
#include "worker/training/report.h"
#include "worker/training/train_state.h"
#include "worker/training/training_log.h"

namespace cairn::training {

class RunReport {
 public:
  // `samples_estimate`: of the training data. All outlive it.
  RunReport(const JobView& view, uint64_t samples_estimate, client::PsClient& shards);

  void start(const TrainState& state);
  // Time that did not go into steps: evaluations and checkpoints.
  void paused(double seconds);
  // After a step of `samples` over all workers, of which `batch` are this worker's.
  void step(const TrainState& state, uint64_t samples, const features::Batch& batch,
            std::span<const collective::Control> controls);
  void evaluated(evaluation::EvaluationReport evaluation);
  // Writes result.json and prints the closing table. All workers call it.
  Status finish(const TrainState& state);

 private:
  using Clock = std::chrono::steady_clock;

  void report(const TrainState& state);
  double progress_of(const TrainState& state) const;  // of the whole run, 0..1
  nlohmann::ordered_json losses_of_shards() const;
  Result<uint64_t> lost_pushes_of_all() const;

  const JobView& view_;
  const double samples_estimate_;
  client::PsClient& shards_;
  std::unique_ptr<Progress> progress_;        // worker 0 only
  std::unique_ptr<TrainingLog> metrics_log_;  // worker 0 only
  Clock::time_point started_, reported_;
  double paused_seconds_ = 0.0;
  uint64_t reported_step_ = 0, epoch_ = 0;
  uint64_t bad_samples_ = 0, bad_samples_of_epochs_ = 0;  // of all workers; before this epoch
  uint64_t samples_ = 0, reported_samples_ = 0;
  std::vector<double> loss_sums_;  // of all workers, since the last report; by samples
  std::optional<evaluation::EvaluationReport> evaluation_;
};

// The closing table of an evaluation alone, on stdout.
void print_evaluation(const JobConfig& job, const evaluation::EvaluationReport& evaluation);

}  // namespace cairn::training
