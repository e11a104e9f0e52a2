#include "worker/training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "worker/collective/agreement.h"
#include "worker/data/prefetching_source.h"

namespace cairn::training {
namespace {

constexpr size_t kBatchesReady = 4;
constexpr int kExitInterrupted = 4;

features::Batch batch_without_samples(const math::ModelShape& shape) {
  features::Batch batch;
  batch.keys.resize(shape.table_dims.size());
  for (size_t bag = 0; bag < shape.bags.size(); ++bag)
    batch.bags.push_back({.offsets = {0}, .index = {}});
  return batch;
}

}  // namespace

Trainer::Trainer(const TrainerParts& parts, const TrainingStart& start)
    : parts_(parts),
      view_(parts.view),
      model_(*parts.learner.model),
      sums_(parts.device.sums(parts.view.collective)),
      statistics_(start.statistics),
      schedule_(view_.job),
      no_samples_(batch_without_samples(parts.learner.definition->shape)),
      checkpointer_(view_, *parts.inputs.train, parts.learner, parts.shards),
      report_(view_, parts.inputs.train->samples_estimate(), parts.shards),
      buffers_(parts.learner.definition->shape.table_dims,
               static_cast<uint32_t>(view_.job.model.tasks.size()), model_.memory()),
      peers_(sums_),
      sum_sink_(sums_),
      shard_pulls_(parts.shards),
      lookahead_({.prefetch = view_.job.train.prefetch,
                  .speculative_pulls = view_.job.train.speculative_pulls},
                 no_samples_, shard_pulls_) {
  const data::ReaderRange readers =
      data::readers_of(view_.rank(), view_.collective.size(), view_.job.data.readers);
  if (start.manifest) {
    state_ = state_of(*start.manifest, readers.first, readers.last);
    for (const auto& [first, second] : start.manifest->positions)
      resume_from_.push_back({first, second});
    checkpoint_step_ = state_.step;
  } else {
    state_.positions.resize(readers.last - readers.first);
  }
}

WorkerOutcome Trainer::run() {
  report_.start(state_);
  Next next = Next::kGoOn;
  while (next == Next::kGoOn && !schedule_.has_ended(state_)) next = run_epoch();
  if (next == Next::kFailed) return leave_together();
  if (interrupted_) {
    if (checkpoint() == Next::kFailed) return leave_together();
    return {.exit_code = kExitInterrupted,
            .message = "interrupted after step " + std::to_string(state_.step) +
                       "; a checkpoint is written, --resume goes on from it"};
  }
  if (evaluated_step_ != state_.step &&
      evaluate(std::min<uint64_t>(state_.epoch + 1, view_.job.train.epochs)) == Next::kFailed)
    return leave_together();
  if (checkpoint() == Next::kFailed) return leave_together();
  if (const Status s = agree(view_.collective, report_.finish(state_)); !s.ok())
    return outcome_of(s.error());
  return {};
}

Next Trainer::run_epoch() {
  Result<std::unique_ptr<data::BatchSource>> reading =
      parts_.inputs.train->start({.epoch = state_.epoch,
                                  .worker = view_.rank(),
                                  .workers = view_.collective.size(),
                                  .batch_size = view_.job.train.batch_size,
                                  .positions = std::exchange(resume_from_, {})},
                                 statistics_);
  if (reading.ok())
    lookahead_.start(
        std::make_unique<data::PrefetchingSource>(std::move(reading).value(), kBatchesReady));
  else
    fail(reading.error());
  bad_samples_ = 0;
  bad_samples_counted_ = 0;
  look_ahead();
  // One exchange before the first step tells every worker how many samples it has.
  Next next = exchange({});
  if (next == Next::kGoOn &&
      next_samples_ == 0) {  // resumed at an epoch's end, or there are no samples
    if (state_.step == 0) {
      fail({ErrorCode::kBadData, "the training data has no good sample"});
      return Next::kFailed;
    }
    next = after_step(/*epoch_ended=*/true);
  }
  while (next == Next::kGoOn && next_samples_ > 0) {
    next = run_step(next_samples_);
    if (next == Next::kFailed) break;
    // Due work is done before an interruption too: the run that goes on must not differ.
    const Next after = after_step(/*epoch_ended=*/next_samples_ == 0);
    if (after != Next::kGoOn) next = after;
  }
  lookahead_.abandon();
  return next;
}

Next Trainer::run_step(uint64_t samples) {
  BatchAhead current = lookahead_.take();
  const uint64_t step = ++state_.step;
  look_ahead();
  const features::Batch& batch = current.batch;
  buffers_.resize(batch);
  // A worker that has lost the shards still takes part in the exchange, so that all leave together.
  if (const Status computed = compute(step, samples, current); !computed.ok())
    fail(computed.error());
  state_.positions = batch.positions;
  bad_samples_ = batch.bad_samples;

  const Next next = exchange(model_.gradients());
  if (next == Next::kFailed) return next;
  parts_.learner.optimizer->step(model_.values(), model_.gradients(), step);
  report_.step(state_, samples, batch, controls_);
  return next;
}

Status Trainer::compute(uint64_t step, uint64_t samples, BatchAhead& current) {
  client::PsClient& shards = parts_.shards;
  const features::Batch& batch = current.batch;
  const auto lost = [&](const Error& error) {
    compute_nothing(step, samples);
    return error;
  };
  if (const Status asked = lookahead_.pull(current, step, 0); !asked.ok())
    return lost(asked.error());
  const Result<client::ShardSplit> split = shards.finish_pull(*current.pull, buffers_.rows());
  if (!split.ok()) return lost(split.error());
  // Not before the rows of this step are there, which the speculative answers would hold up; and
  // only for the next step, as of those behind it more rows would change.
  if (view_.job.train.speculative_pulls)
    if (const Status asked = lookahead_.pull_next(step + 1, kPullSpeculative); !asked.ok())
      return lost(asked.error());
  model_.train_step(buffers_.input(batch, place_of(step, samples)), output());
  if (peers_.failure()) return *peers_.failure();
  return shards.push(step, batch.keys, split.value(), buffers_.gradients());
}

void Trainer::compute_nothing(uint64_t step, uint64_t samples) {
  if (!model_.exchanges()) return;
  buffers_.resize(no_samples_);
  model_.train_step(buffers_.input(no_samples_, place_of(step, samples)), output());
}

// The samples of a step travel with the control vectors of the step before.
StepPlace Trainer::place_of(uint64_t step, uint64_t samples) {
  return {static_cast<double>(samples), step, first_sample_of(view_.rank(), controls_), &peers_};
}

math::ModelOutput Trainer::output() {
  math::ModelOutput output = buffers_.output();
  if (!model_.exchanges()) output.sink = &sum_sink_;
  return output;
}

Next Trainer::exchange(std::span<float> gradients) {
  if (lookahead_.next().error) fail(*lookahead_.next().error);
  Result<std::vector<collective::Control>> controls = sums_.all_reduce(gradients, control());
  if (!controls.ok()) {
    fail(controls.error());
    return Next::kFailed;
  }
  controls_ = std::move(controls).value();
  const Decision decision = decide(controls_, state_.epoch + 1, view_.job.data.max_bad_samples);
  next_samples_ = decision.next_samples;
  count_bad_samples(controls_[view_.rank()].bad_samples);
  if (decision.error) fail(*decision.error);
  interrupted_ |= decision.next == Next::kStop;
  return decision.next;
}

void Trainer::look_ahead() {
  if (const Status s = lookahead_.fill(state_.step + 1, state_.positions); !s.ok()) fail(s.error());
}

collective::Control Trainer::control() const {
  const std::atomic<bool>* interrupted = view_.options.interrupted;
  const features::Batch& next = lookahead_.next().batch;
  collective::Control control;
  control.stop = interrupted != nullptr && interrupted->load() ? 1 : 0;
  control.error = failure_ ? 1 : 0;
  control.next_samples = next.samples;
  // A worker without further samples has met all its bad ones, also those behind its last batch.
  control.bad_samples = next.samples == 0 ? std::max(bad_samples_, next.bad_samples) : bad_samples_;
  const std::vector<double>& losses = buffers_.losses();
  std::copy_n(losses.begin(), std::min(losses.size(), std::size(control.losses)), control.losses);
  return control;
}

void Trainer::count_bad_samples(uint64_t all_of_this_worker) {
  if (all_of_this_worker <= bad_samples_counted_) return;
  view_.metrics.bad_samples.Increment(
      static_cast<double>(all_of_this_worker - bad_samples_counted_));
  bad_samples_counted_ = all_of_this_worker;
}

Next Trainer::after_step(bool epoch_ended) {
  if (epoch_ended) {
    ++state_.epoch;
    state_.positions.assign(state_.positions.size(), {});
  }
  if (schedule_.evaluation_is_due(state_, epoch_ended) && evaluated_step_ != state_.step &&
      evaluate(epoch_ended ? state_.epoch : state_.epoch + 1) == Next::kFailed)
    return Next::kFailed;
  if (schedule_.checkpoint_is_due(state_, epoch_ended, evaluated_step_ == state_.step) &&
      checkpoint() == Next::kFailed)
    return Next::kFailed;
  return schedule_.has_ended(state_) ? Next::kStop : Next::kGoOn;
}

const version::VersionPtr& Trainer::version() {
  if (!version_ || version_->step != state_.step)
    version_ = parts_.learner.version(state_.step, statistics_);
  return version_;
}

Next Trainer::evaluate(uint64_t epoch) {
  evaluated_step_ = state_.step;
  if (parts_.inference == nullptr) return Next::kGoOn;
  Result<evaluation::EvaluationReport> evaluation =
      evaluation::evaluate(*parts_.inference, version(), *parts_.inputs.evaluation);
  if (!evaluation.ok()) {
    fail(evaluation.error());
    return Next::kFailed;
  }
  state_.evaluation = figures_of(evaluation.value(), view_.job.model);
  report_.paused(evaluation.value().seconds);
  evaluation.value().epoch = static_cast<uint32_t>(epoch);
  report_.evaluated(std::move(evaluation).value());
  const std::string& monitor = view_.job.eval.monitor;
  if (monitor.empty()) return Next::kGoOn;
  const auto found = state_.evaluation.find(monitor);
  const bool is_there = found != state_.evaluation.end();
  schedule_.note_evaluation(is_there ? found->second : std::nan(""), state_);
  return Next::kGoOn;
}

Next Trainer::checkpoint() {
  if (checkpoint_step_ == state_.step) return Next::kGoOn;
  const auto start = std::chrono::steady_clock::now();
  const Status written = checkpointer_.write(state_, *version());
  report_.paused(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  if (!written.ok()) {
    fail(written.error());
    return Next::kFailed;
  }
  checkpoint_step_ = state_.step;
  return Next::kGoOn;
}

void Trainer::fail(const Error& error) {
  if (!failure_) failure_ = error;
}

WorkerOutcome Trainer::leave_together() {
  lookahead_.abandon();
  if (view_.collective.lost() || sums_.lost()) return outcome_of(*failure_);
  const Status together = agree(view_.collective, failure_ ? Status(*failure_) : Status(Ok{}));
  check(!together.ok(), "leaving together without a failure");
  return outcome_of(together.error());
}

}  // namespace cairn::training
