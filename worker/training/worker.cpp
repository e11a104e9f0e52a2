#include "worker/training/worker.h"

#include <fmt/format.h>

#include "worker/math/ops/ops.h"
#include "worker/training/evaluator.h"
#include "worker/training/predictor.h"
#include "worker/training/run_report.h"
#include "worker/training/trainer.h"

namespace cairn::training {

WorkerOutcome outcome_of(const Error& error) {
  switch (error.code) {
    case ErrorCode::kInvalidArgument:
      return {.exit_code = 2, .message = error.message};
    case ErrorCode::kBadData:
    case ErrorCode::kNotFound:
    case ErrorCode::kCorrupt:
      return {.exit_code = 3, .message = error.message};
    default:
      return {.exit_code = 1, .message = error.message};
  }
}

namespace {

WorkerOutcome run_evaluation(Session& session) {
  Result<EvaluationReport> evaluation = evaluate(session, session.manifest->step);
  if (!evaluation.ok()) return outcome_of(evaluation.error());
  if (session.first()) print_evaluation(session.job, evaluation.value());
  return {};
}

WorkerOutcome run_prediction(Session& session) {
  const Result<uint64_t> rows = predict_samples(session, session.manifest->step);
  if (!rows.ok()) return outcome_of(rows.error());
  if (session.first())
    fmt::print("{} samples predicted into {}\n", rows.value(),
               session.options.predictions.string());
  return {};
}

WorkerOutcome run_session(const WorkerOptions& options, collective::Collective& collective,
                          zmq::context_t& context, WorkerMetrics& metrics) {
  Result<std::unique_ptr<Session>> session = Session::open(options, collective, context, metrics);
  if (!session.ok()) return outcome_of(session.error());
  switch (options.mode) {
    case WorkerMode::kTrain:
      return Trainer(*session.value()).run();
    case WorkerMode::kEvaluate:
      return run_evaluation(*session.value());
    case WorkerMode::kPredict:
      return run_prediction(*session.value());
  }
  return {.exit_code = 1, .message = "no such mode"};
}

}  // namespace

WorkerOutcome run_worker(const WorkerOptions& options, collective::Collective& collective,
                         zmq::context_t& context, WorkerMetrics& metrics) {
  check(options.mode == WorkerMode::kTrain || options.checkpoint,
        "evaluating and predicting need a checkpoint");
  math::set_math_threads(1);
  WorkerOutcome outcome = run_session(options, collective, context, metrics);
  outcome.agreed = !collective.lost();
  return outcome;
}

}  // namespace cairn::training
