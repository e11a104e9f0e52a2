#include "worker/training/compute.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <span>
#include <utility>

#include "common/check.h"
#include "worker/collective/agreement.h"
#include "worker/collective/device_choice.h"
#include "worker/math/device/gpu.h"

namespace cairn::training {
namespace {

Result<std::unique_ptr<collective::Collective>> open_gpu(const JobView& view) {
  const Result<uint32_t> gpus = math::gpu_count();
  const Status found = gpus.ok() ? Status(Ok{}) : Status(gpus.error());
  if (Status s = agree(view.collective, found); !s.ok()) return s.error();
  const Result<uint32_t> own =
      collective::choose_gpu(view.collective, collective::host_of_this_process(), gpus.value());
  if (!own.ok()) return own.error();
  const Result<math::Gpu> gpu = math::open_gpu(own.value());
  const Status opened = gpu.ok() ? Status(Ok{}) : Status(gpu.error());
  if (Status s = agree(view.collective, opened); !s.ok()) return s.error();
  const Result<const collective::NcclApi*> nccl = collective::nccl_api();
  return collective::make_gpu_collective(view.collective, *gpu.value().device, gpu.value().bus_id,
                                         nccl.ok() ? nccl.value() : nullptr,
                                         {.timeout = std::chrono::seconds(view.job.ps.timeout_s)});
}

void warn_of_precision(Precision precision, const math::Ops& ops) {
  if (precision == Precision::kBf16 && !ops.multiplies_bf16())
    spdlog::warn("train.precision: this machine has no products in bf16; they are f32");
  if (precision == Precision::kTf32 && !ops.multiplies_tf32())
    spdlog::warn("train.precision: this device has no products in tf32; they are f32");
}

}  // namespace

Result<ComputeDevice> ComputeDevice::open(const JobView& view) {
  const TrainConfig& train = view.job.train;
  ComputeDevice device;
  if (Status s = collective::agree_on_device(view.collective, train.device); !s.ok())
    return s.error();
  if (train.device == "cuda") {
    Result<std::unique_ptr<collective::Collective>> sums = open_gpu(view);
    if (!sums.ok()) return sums.error();
    device.gpu_collective = std::move(sums).value();
  }
  const Result<const math::Ops*> ops = math::ops_of_device(train.device, train.precision);
  const Status found = ops.ok() ? Status(Ok{}) : Status(ops.error());
  if (Status s = agree(view.collective, found); !s.ok()) return s.error();
  device.ops = ops.value();
  if (view.first()) warn_of_precision(train.precision, *device.ops);
  return device;
}

Result<Learner> Learner::make(const JobConfig& job,
                              std::shared_ptr<const version::ModelDefinition> definition,
                              const math::Ops& ops) {
  Learner learner;
  Result<std::unique_ptr<math::Model>> model = math::make_model(
      definition->config, definition->shape, definition->seed, ops, definition->precision);
  if (!model.ok()) return model.error();
  learner.model = std::move(model).value();
  Result<std::unique_ptr<math::DenseOptimizer>> optimizer = math::make_dense_optimizer(
      job.train.optimizer, {learner.model->values().size(), learner.model->parameters()}, ops);
  if (!optimizer.ok()) return optimizer.error();
  learner.optimizer = std::move(optimizer).value();
  learner.definition = std::move(definition);
  return learner;
}

version::VersionPtr Learner::version(uint64_t step, const features::Statistics& statistics) const {
  auto version = std::make_shared<version::ModelVersion>();
  version->definition = definition;
  version->step = step;
  version->statistics = statistics;
  version->parameters.resize(definition->floats);
  model->memory().read(std::span(version->parameters), model->values().data());
  return version;
}

void Learner::start_from(const version::ModelVersion& version) {
  check(version.parameters.size() == model->values().size(), "a version of this definition");
  model->memory().write(model->values().data(), std::span(version.parameters));
}

}  // namespace cairn::training
