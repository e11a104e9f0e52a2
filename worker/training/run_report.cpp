#include "worker/training/run_report.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "common/config/resolved.h"
#include "worker/training/run_result.h"

namespace cairn::training {
namespace {

double seconds_between(std::chrono::steady_clock::time_point from,
                       std::chrono::steady_clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// The file that `cairn gen-data` writes beside its data: the best that any model can reach.
nlohmann::json best_beside(const JobConfig& job) {
  if (job.data.eval.empty()) return {};
  std::ifstream file(std::filesystem::path(job.data.eval[0]).parent_path() / "best.json");
  return file ? nlohmann::json::parse(file, nullptr, /*allow_exceptions=*/false) : nlohmann::json();
}

std::vector<TaskResult> task_results(const JobConfig& job,
                                     const evaluation::EvaluationReport& evaluation) {
  const nlohmann::json best = best_beside(job);
  std::vector<TaskResult> results;
  for (size_t task = 0; task < job.model.tasks.size(); ++task) {
    TaskResult result{.name = job.model.tasks[task].name,
                      .loss = job.model.tasks[task].loss,
                      .quality = evaluation.qualities[task],
                      .best = {}};
    if (best.is_object() && best.contains("tasks") && best["tasks"].is_array())
      for (const auto& known : best["tasks"]) {
        if (!known.is_object() || known.value("name", nlohmann::json()) != result.name) continue;
        const auto number = [&](const char* name) -> std::optional<double> {
          if (!known.contains(name) || !known[name].is_number()) return std::nullopt;
          return known[name].get<double>();
        };
        result.best = {number("auc"), number("logloss"), number("rmse")};
      }
    results.push_back(std::move(result));
  }
  return results;
}

void warn(const Status& status) {
  if (!status.ok()) spdlog::warn("{}", status.error().message);
}

}  // namespace

RunReport::RunReport(const JobView& view, uint64_t samples_estimate, client::PsClient& shards)
    : view_(view),
      samples_estimate_(static_cast<double>(samples_estimate)),
      shards_(shards),
      loss_sums_(view.job.model.tasks.size()) {
  if (!view.first()) return;
  progress_ = std::make_unique<Progress>(Progress::Options{
      .bar = is_terminal(stdout), .epochs = view.job.train.epochs, .tasks = view.job.model.tasks});
  Result<std::unique_ptr<TrainingLog>> log = TrainingLog::open(
      std::filesystem::path(view.job.output) / "metrics.jsonl", view.job.model.tasks);
  if (log.ok())
    metrics_log_ = std::move(log).value();
  else
    warn(log.error());
}

void RunReport::start(const TrainState& state) {
  started_ = reported_ = Clock::now();
  reported_step_ = state.step;
  epoch_ = state.epoch;
}

void RunReport::paused(double seconds) {
  paused_seconds_ += seconds;
  reported_ += std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

void RunReport::step(const TrainState& state, uint64_t samples, const features::Batch& batch,
                     std::span<const collective::Control> controls) {
  WorkerMetrics& metrics = view_.metrics;
  metrics.train_samples.Increment(static_cast<double>(batch.samples));
  metrics.train_step.Set(static_cast<double>(state.step));
  metrics.prefetch_depth.Set(view_.job.train.prefetch);
  size_t occurrences = 0, unique = 0;
  for (const features::Bag& bag : batch.bags) occurrences += bag.index.size();
  for (const auto& keys : batch.keys) unique += keys.size();
  if (occurrences > 0)
    metrics.unique_key_ratio.Set(static_cast<double>(unique) / static_cast<double>(occurrences));

  samples_ += samples;
  if (state.epoch != epoch_) {  // bad samples are counted by epoch
    epoch_ = state.epoch;
    bad_samples_of_epochs_ = bad_samples_;
  }
  bad_samples_ = bad_samples_of_epochs_;
  for (const collective::Control& control : controls) bad_samples_ += control.bad_samples;
  for (size_t task = 0; task < std::min(loss_sums_.size(), std::size(controls[0].losses)); ++task)
    for (const collective::Control& control : controls)
      loss_sums_[task] += control.losses[task] * static_cast<double>(samples);
  if (state.step - reported_step_ >= view_.job.train.report_every) report(state);
}

void RunReport::report(const TrainState& state) {
  const Clock::time_point now = Clock::now();
  const auto samples = static_cast<double>(samples_ - reported_samples_);
  TrainReport report;
  report.step = state.step;
  report.epoch = static_cast<uint32_t>(state.epoch + 1);
  report.samples = samples_;
  report.seconds = seconds_between(started_, now) - paused_seconds_;
  report.samples_per_second = samples / std::max(1e-9, seconds_between(reported_, now));
  for (double sum : loss_sums_) report.losses.push_back(sum / std::max(1.0, samples));
  report.bad_samples = bad_samples_;
  report.done = progress_of(state);
  auto task = view_.metrics.tasks.begin();
  for (double loss : report.losses) (task++)->loss.Set(loss);
  if (progress_) progress_->show(report);
  if (metrics_log_) warn(metrics_log_->write(report));
  reported_ = now;
  reported_step_ = state.step;
  reported_samples_ = samples_;
  std::fill(loss_sums_.begin(), loss_sums_.end(), 0.0);
}

// By steps where train.max_steps bounds the run, else by samples, of which the input gives an
// estimate.
double RunReport::progress_of(const TrainState& state) const {
  const TrainConfig& train = view_.job.train;
  const double samples = samples_estimate_ * train.epochs;
  const double done_by_samples =
      static_cast<double>(state.step * train.batch_size) / std::max(1.0, samples);
  const double done_by_steps =
      train.max_steps ? static_cast<double>(state.step) / static_cast<double>(train.max_steps) : 0;
  return std::min(1.0, std::max(done_by_samples, done_by_steps));
}

void RunReport::evaluated(evaluation::EvaluationReport evaluation) {
  auto task = view_.metrics.tasks.begin();
  for (const evaluation::TaskQuality& quality : evaluation.qualities) {
    if (quality.auc) task->evaluation_auc.Set(*quality.auc);
    if (quality.logloss) task->evaluation_logloss.Set(*quality.logloss);
    if (quality.rmse) task->evaluation_rmse.Set(*quality.rmse);
    ++task;
  }
  if (progress_) progress_->show(evaluation);
  if (metrics_log_) warn(metrics_log_->write(evaluation));
  evaluation_ = std::move(evaluation);
}

// The losses of recoveries, as the shards tell them. A run whose shards do not answer any more ends
// all the same.
nlohmann::ordered_json RunReport::losses_of_shards() const {
  nlohmann::ordered_json losses = nlohmann::ordered_json::array();
  const Result<std::vector<std::string>> stats = shards_.stats();
  if (!stats.ok()) {
    warn(stats.error());
    return losses;
  }
  for (uint32_t shard = 0; shard < stats.value().size(); ++shard) {
    const auto its = nlohmann::ordered_json::parse(stats.value()[shard], nullptr, false);
    if (!its.is_object() || !its.contains("losses") || !its["losses"].is_array()) continue;
    for (const auto& loss : its["losses"]) {
      if (!loss.is_object()) continue;
      nlohmann::ordered_json entry = {{"shard", shard}};
      entry.update(loss);
      losses.push_back(std::move(entry));
    }
  }
  return losses;
}

Result<uint64_t> RunReport::lost_pushes_of_all() const {
  const auto counts = view_.collective.all_gather(fmt::format("{}", shards_.lost_pushes()));
  if (!counts.ok()) return counts.error();
  uint64_t sum = 0;
  for (const std::string& count : counts.value()) sum += std::stoull(count);
  return sum;
}

Status RunReport::finish(const TrainState& state) {
  // The same on every worker, as the job is.
  const bool may_have_lost = view_.job.ps.recovery == Recovery::kReport;
  const Result<uint64_t> lost_pushes = may_have_lost ? lost_pushes_of_all() : Result<uint64_t>(0);
  if (!lost_pushes.ok()) return lost_pushes.error();
  if (!view_.first()) return Ok{};
  RunResult result;
  if (evaluation_) result.tasks = task_results(view_.job, *evaluation_);
  result.steps = state.step;
  result.samples = samples_;
  result.seconds = seconds_between(started_, Clock::now()) - paused_seconds_;
  result.bad_samples = bad_samples_;
  result.server_restarts = shards_.server_restarts();
  result.lost_pushes = lost_pushes.value();
  if (may_have_lost && result.server_restarts > 0) result.lost = losses_of_shards();
  result.config_hash = config_hash(view_.job);
  progress_.reset();  // the bar ends before the table
  fmt::print("{}", closing_table(result));
  std::fflush(stdout);
  const std::filesystem::path path = std::filesystem::path(view_.job.output) / "result.json";
  // A finished run that was resumed has nothing to add to what it said when it ended.
  std::error_code unknown;
  if (samples_ == 0 && std::filesystem::exists(path, unknown)) return Ok{};
  return write_result(path, result);
}

void print_evaluation(const JobConfig& job, const evaluation::EvaluationReport& evaluation) {
  RunResult result;
  result.tasks = task_results(job, evaluation);
  fmt::print("{}", closing_table(result));
  std::fflush(stdout);
}

}  // namespace cairn::training
