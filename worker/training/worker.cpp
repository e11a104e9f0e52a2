#include "worker/training/worker.h"

#include <fmt/format.h>

#include "worker/client/ps_client.h"
#include "worker/collective/agreement.h"
#include "worker/evaluation/evaluator.h"
#include "worker/evaluation/predictor.h"
#include "worker/math/ops/ops.h"
#include "worker/training/run_report.h"
#include "worker/training/trainer.h"
#include "worker/version/checkpoint_version.h"

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

Result<std::unique_ptr<client::PsClient>> connect(const JobView& view,
                                                  const std::vector<uint32_t>& table_dims,
                                                  zmq::context_t& context) {
  client::PsClientOptions options;
  options.endpoints = view.options.endpoints;
  options.slots = {1, view.job.shards()};
  options.incarnation = view.options.incarnation;
  options.worker = view.rank();
  options.table_dims = table_dims;
  options.wire = view.job.ps.wire;
  options.timeout_s = view.job.ps.timeout_s;
  options.stall_timeout_s = view.job.train.stall_timeout_s;
  options.recovery = view.job.ps.recovery;
  return client::PsClient::connect(options, context, view.metrics);
}

// What training, evaluation and prediction open alike, in this order. All workers open theirs
// together; on an error, the same one is returned to every worker.
struct Opened {
  Inputs inputs;
  ComputeDevice device;
  std::shared_ptr<const version::ModelDefinition> definition;
  std::unique_ptr<client::PsClient> shards;
  std::unique_ptr<evaluation::Inference> inference;  // null where there is nothing to evaluate

  Status open_inputs(const JobView& view) {
    Result<Inputs> opened = Inputs::open(view);
    if (!opened.ok()) return opened.error();
    inputs = std::move(opened).value();
    Result<ComputeDevice> chosen = ComputeDevice::open(view);
    if (!chosen.ok()) return chosen.error();
    device = std::move(chosen).value();
    Result<std::shared_ptr<const version::ModelDefinition>> made =
        version::ModelDefinition::make(view.job);
    if (made.ok()) definition = made.value();
    return agree(view.collective, made.ok() ? Status(Ok{}) : Status(made.error()));
  }

  Status open_shards(const JobView& view, zmq::context_t& context) {
    Result<std::unique_ptr<client::PsClient>> connected =
        connect(view, definition->shape.table_dims, context);
    if (Status s = agree(view.collective, status_of(connected)); !s.ok()) return s;
    shards = std::move(connected).value();
    if (!inputs.evaluation) return Ok{};
    Result<std::unique_ptr<evaluation::Inference>> made = evaluation::Inference::make(
        {view.job, view.collective, *device.ops, *shards, view.metrics}, definition);
    if (Status s = agree(view.collective, status_of(made)); !s.ok()) return s;
    inference = std::move(made).value();
    return Ok{};
  }

  template <typename T>
  static Status status_of(const Result<T>& result) {
    return result.ok() ? Status(Ok{}) : Status(result.error());
  }
};

WorkerOutcome train(const JobView& view, zmq::context_t& context) {
  Opened opened;
  if (Status s = opened.open_inputs(view); !s.ok()) return outcome_of(s.error());
  Result<Learner> learner = Learner::make(view.job, opened.definition, *opened.device.ops);
  if (Status s = agree(view.collective, Opened::status_of(learner)); !s.ok())
    return outcome_of(s.error());
  const Result<TrainingStart> start =
      TrainingStart::open(view, *opened.inputs.train, learner.value());
  if (!start.ok()) return outcome_of(start.error());
  if (Status s = opened.open_shards(view, context); !s.ok()) return outcome_of(s.error());
  return Trainer({view, opened.inputs, opened.device, learner.value(), *opened.shards,
                  opened.inference.get()},
                 start.value())
      .run();
}

// The checkpoint's version of the model.
Result<version::VersionPtr> load_version(
    const JobView& view, const std::shared_ptr<const version::ModelDefinition>& definition) {
  const std::filesystem::path& folder = *view.options.checkpoint;
  const Result<CheckpointManifest> manifest = version::read_manifest_of(folder, view.job);
  Result<version::VersionPtr> version =
      manifest.ok() ? version::read_version(folder, manifest.value().step, definition)
                    : Result<version::VersionPtr>(manifest.error());
  if (Status s = agree(view.collective, Opened::status_of(version)); !s.ok()) return s.error();
  return version;
}

WorkerOutcome evaluate_or_predict(const JobView& view, zmq::context_t& context) {
  Opened opened;
  if (Status s = opened.open_inputs(view); !s.ok()) return outcome_of(s.error());
  const Result<version::VersionPtr> version = load_version(view, opened.definition);
  if (!version.ok()) return outcome_of(version.error());
  if (Status s = opened.open_shards(view, context); !s.ok()) return outcome_of(s.error());
  if (view.options.mode == WorkerMode::kEvaluate) {
    const Result<evaluation::EvaluationReport> evaluation =
        evaluate(*opened.inference, version.value(), *opened.inputs.evaluation);
    if (!evaluation.ok()) return outcome_of(evaluation.error());
    if (view.first()) print_evaluation(view.job, evaluation.value());
    return {};
  }
  const Result<uint64_t> samples = predict_samples(
      *opened.inference, version.value(), *opened.inputs.evaluation, view.options.predictions);
  if (!samples.ok()) return outcome_of(samples.error());
  if (view.first())
    fmt::print("{} samples predicted into {}\n", samples.value(),
               view.options.predictions.string());
  return {};
}

}  // namespace

WorkerOutcome run_worker(const WorkerOptions& options, collective::Collective& collective,
                         zmq::context_t& context, WorkerMetrics& metrics) {
  check(options.mode == WorkerMode::kTrain || options.checkpoint,
        "evaluating and predicting need a checkpoint");
  math::set_math_threads(1);
  const JobView view{options, options.job, collective, metrics};
  WorkerOutcome outcome = options.mode == WorkerMode::kTrain ? train(view, context)
                                                             : evaluate_or_predict(view, context);
  outcome.agreed = !collective.lost();
  return outcome;
}

}  // namespace cairn::training
