#include "worker/training/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "worker/collective/agreement.h"

namespace cairn::training {
namespace {

constexpr size_t kBatchesReady = 4;
constexpr int kExitInterrupted = 4;

}  // namespace

Trainer::Trainer(Session& session)
    : session_(session),
      schedule_(session.job),
      checkpointer_(session),
      report_(session),
      buffers_(session.table_dims(), static_cast<uint32_t>(session.job.model.tasks.size()),
               session.model->memory()),
      peers_(session.sums()),
      begin_(session.sums()) {
  const data::ReaderRange readers =
      data::readers_of(session.rank(), session.collective.size(), session.job.data.readers);
  if (session.manifest) {
    state_ = state_of(*session.manifest, readers.first, readers.last);
    for (const auto& [group, line] : session.manifest->positions)
      resume_from_.push_back({group, line});
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
      evaluate(std::min<uint64_t>(state_.epoch + 1, session_.job.train.epochs)) == Next::kFailed)
    return leave_together();
  if (checkpoint() == Next::kFailed) return leave_together();
  if (const Status s = agree(session_.collective, report_.finish(state_)); !s.ok())
    return outcome_of(s.error());
  return {};
}

Trainer::Next Trainer::run_epoch() {
  Result<std::unique_ptr<data::BatchSource>> reading =
      session_.train_data->start({.epoch = state_.epoch,
                                  .worker = session_.rank(),
                                  .workers = session_.collective.size(),
                                  .batch_size = session_.job.train.batch_size,
                                  .positions = std::exchange(resume_from_, {})},
                                 session_.statistics);
  if (reading.ok())
    source_ = std::make_unique<data::PrefetchingSource>(std::move(reading).value(), kBatchesReady);
  else
    fail(reading.error());
  bad_samples_ = 0;
  bad_samples_told_ = 0;
  look_ahead();
  // One exchange before the first step tells every worker how many rows it has.
  Next next = exchange({});
  if (next == Next::kGoOn &&
      next_samples_ == 0) {  // resumed at an epoch's end, or there are no rows
    if (state_.step == 0) {
      fail({ErrorCode::kBadData, "the training data has no good row"});
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
  abandon_ahead();
  source_.reset();
  return next;
}

Trainer::Next Trainer::run_step(uint64_t rows) {
  Ahead current = std::move(ahead_.front());
  ahead_.pop_front();
  const uint64_t step = ++state_.step;  // `look_ahead` counts from the step after this one
  look_ahead();
  const features::Batch& batch = current.batch;
  buffers_.resize(batch);
  // A worker that has lost the shards still takes part in the exchange, so that all leave together.
  if (const Status computed = compute(step, rows, current); !computed.ok()) fail(computed.error());
  state_.positions = batch.positions;
  bad_samples_ = batch.bad_samples;

  const Next next = exchange(session_.model->gradients());
  if (next == Next::kFailed) return next;
  session_.optimizer->step(session_.model->values(), session_.model->gradients(), step);
  report_.step(state_, rows, batch, controls_);
  return next;
}

Status Trainer::compute(uint64_t step, uint64_t rows, Ahead& current) {
  client::PsClient& client = *session_.client;
  const features::Batch& batch = current.batch;
  const auto lost = [&](const Error& error) {
    compute_nothing(step, rows);
    return error;
  };
  if (const Status asked = pull(current, step, 0); !asked.ok()) return lost(asked.error());
  const Result<client::ShardSplit> split = client.finish_pull(*current.pull, buffers_.rows);
  if (!split.ok()) return lost(split.error());
  // Not before the rows of this step are there, which the speculative answers would hold up; and
  // only for the next step, as of those behind it more rows would change.
  if (session_.job.train.speculative_pulls)
    if (const Status asked = pull(ahead_.front(), step + 1, kPullSpeculative); !asked.ok())
      return lost(asked.error());
  const StepPlace place = {static_cast<double>(rows), step, first_sample(), &peers_};
  session_.model->train_step(buffers_.input(batch, place), output());
  if (peers_.failure()) return *peers_.failure();
  return client.push(step, batch.keys, split.value(), buffers_.gradients);
}

void Trainer::compute_nothing(uint64_t step, uint64_t rows) {
  if (!session_.model->exchanges()) return;
  const features::Batch none = without_samples();
  buffers_.resize(none);
  const StepPlace place = {static_cast<double>(rows), step, first_sample(), &peers_};
  session_.model->train_step(buffers_.input(none, place), output());
}

math::ModelOutput Trainer::output() {
  math::ModelOutput output = buffers_.output();
  if (!session_.model->exchanges()) output.sink = &begin_;
  return output;
}

// The rows of a step travel with the control vectors of the step before.
uint64_t Trainer::first_sample() const {
  uint64_t before = 0;
  for (uint32_t rank = 0; rank < session_.rank(); ++rank) before += controls_[rank].next_samples;
  return before;
}

// A batch whose bags and keys are there, and empty.
features::Batch Trainer::without_samples() const {
  features::Batch batch;
  batch.keys.resize(session_.job.tables.size());
  for (const FeatureConfig& feature : session_.job.features)
    if (feature.is_id()) batch.bags.push_back({.offsets = {0}, .index = {}});
  return batch;
}

Trainer::Next Trainer::exchange(std::span<float> gradients) {
  if (ahead_.front().error) fail(*ahead_.front().error);
  collective::Control mine = control();
  for (size_t task = 0; task < std::min(buffers_.losses.size(), std::size(mine.losses)); ++task)
    mine.losses[task] = buffers_.losses[task];
  Result<std::vector<collective::Control>> controls = session_.sums().all_reduce(gradients, mine);
  if (!controls.ok()) {
    fail(controls.error());
    return Next::kFailed;
  }
  controls_ = std::move(controls).value();
  return decide(controls_);
}

void Trainer::look_ahead() {
  // The next batch is always read, as its rows travel with the control vector.
  const size_t wanted = std::max<size_t>(1, session_.job.train.prefetch);
  while (ahead_.size() < wanted) {
    if (!ahead_.empty() && ahead_.back().batch.samples == 0) break;  // the epoch has ended
    Result<features::Batch> batch =
        source_ ? source_->next() : Result<features::Batch>(features::Batch{});
    Ahead& ahead = ahead_.emplace_back();
    if (source_ && batch.ok()) {
      ahead.batch = std::move(batch).value();
      continue;
    }
    // This worker goes on without rows; all stop when this batch would be next.
    if (!batch.ok()) ahead.error = batch.error();
    ahead.batch = without_samples();
    ahead.batch.positions = state_.positions;
  }
  if (session_.job.train.speculative_pulls) return;
  for (size_t i = 0; i < std::min<size_t>(ahead_.size(), session_.job.train.prefetch); ++i)
    if (const Status sent = pull(ahead_[i], state_.step + 1 + i, 0); !sent.ok())
      return fail(sent.error());
}

Status Trainer::pull(Ahead& ahead, uint64_t step, uint32_t flags) {
  if (ahead.pull) return Ok{};
  const auto pull = session_.client->start_pull(step, ahead.batch.keys, flags);
  if (!pull.ok()) return pull.error();
  ahead.pull = pull.value();
  return Ok{};
}

void Trainer::abandon_ahead() {
  for (const Ahead& ahead : ahead_)
    if (ahead.pull) session_.client->abandon_pull(*ahead.pull);
  ahead_.clear();
}

collective::Control Trainer::control() const {
  collective::Control control;
  control.stop = session_.options.interrupted && session_.options.interrupted->load() ? 1 : 0;
  control.error = failure_ ? 1 : 0;
  control.next_samples = ahead_.front().batch.samples;
  // A worker without further rows has met all its bad ones, also those behind its last batch.
  control.bad_samples = control.next_samples == 0
                            ? std::max(bad_samples_, ahead_.front().batch.bad_samples)
                            : bad_samples_;
  return control;
}

Trainer::Next Trainer::decide(const std::vector<collective::Control>& controls) {
  uint64_t bad_samples = 0;
  bool stop = false, error = false;
  next_samples_ = 0;
  for (const collective::Control& control : controls) {
    next_samples_ += control.next_samples;
    bad_samples += control.bad_samples;
    stop |= control.stop != 0;
    error |= control.error != 0;
  }
  const uint64_t own = controls[session_.rank()].bad_samples;
  if (own > bad_samples_told_) {
    session_.metrics.bad_samples.Increment(static_cast<double>(own - bad_samples_told_));
    bad_samples_told_ = own;
  }
  if (error) return Next::kFailed;
  if (bad_samples > session_.job.data.max_bad_samples) {
    fail({ErrorCode::kBadData, std::to_string(bad_samples) + " bad samples in epoch " +
                                   std::to_string(state_.epoch + 1) +
                                   ", more than data.max_bad_samples (" +
                                   std::to_string(session_.job.data.max_bad_samples) +
                                   "); the first are in the log above"});
    return Next::kFailed;
  }
  if (stop) {
    interrupted_ = true;
    return Next::kStop;
  }
  return Next::kGoOn;
}

Trainer::Next Trainer::after_step(bool epoch_ended) {
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

Trainer::Next Trainer::evaluate(uint64_t epoch) {
  evaluated_step_ = state_.step;
  if (!session_.evaluation_data) return Next::kGoOn;
  Result<EvaluationReport> evaluation = training::evaluate(session_, state_.step);
  if (!evaluation.ok()) {
    fail(evaluation.error());
    return Next::kFailed;
  }
  state_.evaluation = figures_of(evaluation.value(), session_.job.model);
  report_.paused(evaluation.value().seconds);
  evaluation.value().epoch = static_cast<uint32_t>(epoch);
  report_.evaluated(std::move(evaluation).value());
  const std::string& monitor = session_.job.eval.monitor;
  if (monitor.empty()) return Next::kGoOn;
  const auto found = state_.evaluation.find(monitor);
  const bool is_there = found != state_.evaluation.end();
  schedule_.note_evaluation(is_there ? found->second : std::nan(""), state_);
  return Next::kGoOn;
}

Trainer::Next Trainer::checkpoint() {
  if (checkpoint_step_ == state_.step) return Next::kGoOn;
  const auto start = std::chrono::steady_clock::now();
  const Status written = checkpointer_.write(state_);
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
  abandon_ahead();
  source_.reset();
  if (session_.collective.lost() || session_.sums().lost()) return outcome_of(*failure_);
  const Status together = agree(session_.collective, failure_ ? Status(*failure_) : Status(Ok{}));
  check(!together.ok(), "leaving together without a failure");
  return outcome_of(together.error());
}

}  // namespace cairn::training
