// The training loop of one worker. A step:
//
//   take the next batch and pull its rows ahead; wait for this batch's rows; forward and backward;
//   push row gradients; all-reduce the dense ones, with the control vector; dense optimizer.
//
// Everything that ends or interrupts training is decided from the control vectors of all workers,
// so all decide alike, at the same step. Thread safety: none; it belongs to the worker's thread.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "worker/data/prefetching_source.h"
#include "worker/training/checkpointer.h"
#include "worker/training/collective_peers.h"
#include "worker/training/evaluator.h"
#include "worker/training/run_report.h"
#include "worker/training/schedule.h"
#include "worker/training/session.h"
#include "worker/training/step_buffers.h"

namespace cairn::training {

class Trainer {
 public:
  explicit Trainer(Session& session);

  // Trains to the end, or until all workers agree to stop.
  WorkerOutcome run();

 private:
  // Why a worker leaves the loop of an epoch.
  enum class Next : uint8_t { kGoOn, kStop, kFailed };

  // Parts of the gradients are summed while backward goes on; not of models that exchange sums in
  // the midst of it: what a rank waits for there must not be behind what another has not begun.
  class Begin final : public math::GradientSink {
   public:
    explicit Begin(collective::Collective& sums) : sums_(sums) {}
    void ready(std::span<float> part) override { sums_.start(part); }

   private:
    collective::Collective& sums_;
  };

  struct Ahead {
    features::Batch batch;
    std::optional<client::PsClient::PullId> pull;
    std::optional<Error> error;  // there was no batch: what all hear when it would be the next
  };

  Next run_epoch();
  Next run_step(uint64_t rows);
  features::Batch without_samples() const;
  math::ModelOutput output();  // what a step writes, and who is told of its gradients
  // Takes part in what the other workers' layers exchange, without rows.
  void compute_nothing(uint64_t step, uint64_t rows);
  uint64_t first_sample() const;  // of this worker's rows in the batch of the next step
  // Pulled rows, forward, backward, push.
  Status compute(uint64_t step, uint64_t rows, Ahead& current);
  // All-reduces the dense gradients and decides what all workers do next.
  Next exchange(std::span<float> gradients);
  // Does what is due after a step or an epoch.
  Next after_step(bool epoch_ended);
  // Reads batches ahead, and sends the pulls of those within train.prefetch of the next step,
  // unless train.speculative_pulls has `compute` send an early one of the next step.
  void look_ahead();
  // Sends a batch's pull, if that was not done.
  Status pull(Ahead& ahead, uint64_t step, uint32_t flags);
  void abandon_ahead();
  // Takes in the control vectors: the rows of the next step, failures and stops.
  Next decide(const std::vector<collective::Control>& controls);
  collective::Control control() const;
  Next evaluate(uint64_t epoch);  // from 1
  Next checkpoint();

  // This worker's failure: told to the others with the next control vector.
  void fail(const Error& error);
  // All workers leave together, with the first one's message.
  WorkerOutcome leave_together();

  Session& session_;
  const Schedule schedule_;
  Checkpointer checkpointer_;
  RunReport report_;
  StepBuffers buffers_;
  CollectivePeers peers_;
  Begin begin_;
  std::unique_ptr<data::PrefetchingSource> source_;
  std::deque<Ahead> ahead_;  // front: the batch of the next step
  TrainState state_;
  std::vector<features::ReaderPosition> resume_from_;  // of all readers; only for the first epoch
  std::vector<collective::Control> controls_;          // of the last exchange, by rank
  uint64_t next_samples_ = 0;                          // of the next step, over all workers
  uint64_t bad_samples_ = 0;  // of this epoch, this worker's, in batches used
  uint64_t bad_samples_told_ = 0;
  std::optional<uint64_t> checkpoint_step_;  // of the last checkpoint
  uint64_t evaluated_step_ = 0;
  bool interrupted_ = false;
  std::optional<Error> failure_;
};

}  // namespace cairn::training
