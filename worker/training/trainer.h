// The training loop of one worker. A step:
//
//   take the next batch and pull its rows ahead; wait for this batch's rows; forward and backward;
//   push row gradients; all-reduce the dense ones, with the control vector; dense optimizer.
//
// Everything that ends or interrupts training is decided from the control vectors of all workers
// (worker/training/decision.h), so all decide alike, at the same step. Thread safety: none; it
// belongs to the worker's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "worker/client/ps_client.h"
#include "worker/evaluation/evaluator.h"
#include "worker/evaluation/inference.h"
#include "worker/training/checkpointer.h"
#include "worker/training/collective_peers.h"
#include "worker/training/compute.h"
#include "worker/training/decision.h"
#include "worker/training/lookahead.h"
#include "worker/training/run_report.h"
#include "worker/training/schedule.h"
#include "worker/training/step_buffers.h"
#include "worker/training/training_start.h"

namespace cairn::training {

// What training works with. All outlive it.
struct TrainerParts {
  const JobView& view;
  const Inputs& inputs;
  const ComputeDevice& device;
  Learner& learner;
  client::PsClient& shards;
  evaluation::Inference* inference;  // null where there is no evaluation data
};

class Trainer {
 public:
  Trainer(const TrainerParts& parts, const TrainingStart& start);

  // Trains to the end, or until all workers agree to stop.
  WorkerOutcome run();

 private:
  // Parts of the gradients are summed while backward goes on; not of models that exchange sums in
  // the midst of it: what a rank waits for there must not be behind what another has not begun.
  class SumSink final : public math::GradientSink {
   public:
    explicit SumSink(collective::Collective& sums) : sums_(sums) {}
    void ready(std::span<float> part) override { sums_.start(part); }

   private:
    collective::Collective& sums_;
  };

  class ShardPulls final : public PullStarter {
   public:
    explicit ShardPulls(client::PsClient& shards) : shards_(shards) {}
    Result<uint64_t> start_pull(uint64_t step, std::span<const std::vector<Key>> keys,
                                uint32_t flags) override {
      return shards_.start_pull(step, keys, flags);
    }
    void abandon_pull(uint64_t id) override { shards_.abandon_pull(id); }

   private:
    client::PsClient& shards_;
  };

  Next run_epoch();
  Next run_step(uint64_t samples);
  math::ModelOutput output();  // what a step writes, and who is told of its gradients
  // Takes part in what the other workers' layers exchange, without samples.
  void compute_nothing(uint64_t step, uint64_t samples);
  StepPlace place_of(uint64_t step, uint64_t samples);
  // Pulled rows, forward, backward, push.
  Status compute(uint64_t step, uint64_t samples, BatchAhead& current);
  // All-reduces the dense gradients and decides what all workers do next.
  Next exchange(std::span<float> gradients);
  // Does what is due after a step or an epoch.
  Next after_step(bool epoch_ended);
  void look_ahead();
  collective::Control control() const;
  void count_bad_samples(uint64_t all_of_this_worker);
  Next evaluate(uint64_t epoch);  // from 1
  Next checkpoint();
  // The model as of now.
  const version::VersionPtr& version();

  // This worker's failure: told to the others with the next control vector.
  void fail(const Error& error);
  // All workers leave together, with the first one's message.
  WorkerOutcome leave_together();

  const TrainerParts parts_;
  const JobView& view_;
  math::Model& model_;
  collective::Collective& sums_;
  const features::Statistics& statistics_;
  const Schedule schedule_;
  const features::Batch no_samples_;  // its keys and bags are there, and empty
  Checkpointer checkpointer_;
  RunReport report_;
  StepBuffers buffers_;
  CollectivePeers peers_;
  SumSink sum_sink_;
  ShardPulls shard_pulls_;
  Lookahead lookahead_;
  TrainState state_;
  std::vector<features::ReaderPosition> resume_from_;  // of all readers; only for the first epoch
  std::vector<collective::Control> controls_;          // of the last exchange, by rank
  uint64_t next_samples_ = 0;                          // of the next step, over all workers
  uint64_t bad_samples_ = 0;  // of this epoch, this worker's, in batches used
  uint64_t bad_samples_counted_ = 0;
  version::VersionPtr version_;              // the newest that was asked for
  std::optional<uint64_t> checkpoint_step_;  // of the last checkpoint
  uint64_t evaluated_step_ = 0;
  bool interrupted_ = false;
  std::optional<Error> failure_;
};

}  // namespace cairn::training
