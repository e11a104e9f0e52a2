#include "worker/training/session.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>

#include "worker/collective/agreement.h"
#include "worker/collective/device_choice.h"
#include "worker/math/device/gpu.h"
#include "worker/math/ops/ops.h"
#include "worker/training/dense_file.h"

namespace cairn::training {
namespace {

namespace fs = std::filesystem;

Status open_data(Session& session) {
  const WorkerMode mode = session.options.mode;
  const auto open = [&](data::Split split, const std::vector<std::string>& files,
                        std::unique_ptr<data::Dataset>& to) -> Status {
    Result<std::unique_ptr<data::Dataset>> opened = data::Dataset::open(session.job, split, files);
    if (!opened.ok()) return opened.error();
    to = std::move(opened).value();
    return Ok{};
  };
  if (mode == WorkerMode::kTrain)
    if (Status s = open(data::Split::kTrain, {}, session.train_data); !s.ok()) return s;
  if (mode == WorkerMode::kPredict)
    return open(data::Split::kPredict, session.options.inputs, session.evaluation_data);
  if (session.job.data.eval.empty()) {
    if (mode == WorkerMode::kTrain) return Ok{};
    return Error{ErrorCode::kInvalidArgument, "the job names no evaluation data (data.eval)"};
  }
  return open(data::Split::kEval, {}, session.evaluation_data);
}

// Each worker reads what its readers hold; the moments of all readers, in order, give the same bits
// for every number of workers.
Status compute_statistics(Session& session) {
  if (!session.train_data->needs_statistics()) return Ok{};
  const data::ReaderRange readers =
      data::readers_of(session.rank(), session.collective.size(), session.job.data.readers);
  const std::vector<features::Moments> mine =
      session.train_data->moments_of(readers.first, readers.last);
  const Result<std::vector<std::string>> all = session.collective.all_gather(
      {reinterpret_cast<const char*>(mine.data()), mine.size() * sizeof(features::Moments)});
  if (!all.ok()) return all.error();
  std::vector<features::Moments> partials;
  for (const std::string& bytes : all.value()) {
    const size_t before = partials.size();
    partials.resize(before + bytes.size() / sizeof(features::Moments));
    if (!bytes.empty()) std::memcpy(&partials[before], bytes.data(), bytes.size());
  }
  session.statistics = session.train_data->merge(partials);
  return Ok{};
}

// Each worker of a host takes a GPU in turn.
Status choose_device(Session& session) {
  const TrainConfig& train = session.job.train;
  if (Status s = collective::agree_on_device(session.collective, train.device); !s.ok()) return s;
  if (train.device != "cuda") return Ok{};
  const Result<uint32_t> gpus = math::gpu_count();
  const Status found = gpus.ok() ? Status(Ok{}) : Status(gpus.error());
  if (Status s = agree(session.collective, found); !s.ok()) return s;
  const Result<uint32_t> own =
      collective::choose_gpu(session.collective, collective::host_of_this_process(), gpus.value());
  if (!own.ok()) return own.error();
  const Result<math::Gpu> gpu = math::open_gpu(own.value());
  const Status opened = gpu.ok() ? Status(Ok{}) : Status(gpu.error());
  if (Status s = agree(session.collective, opened); !s.ok()) return s;
  const Result<const collective::NcclApi*> nccl = collective::nccl_api();
  Result<std::unique_ptr<collective::Collective>> sums =
      collective::make_gpu_collective(session.collective, *gpu.value().device, gpu.value().bus_id,
                                      nccl.ok() ? nccl.value() : nullptr,
                                      {.timeout = std::chrono::seconds(session.job.ps.timeout_s)});
  if (!sums.ok()) return sums.error();
  session.device_collective = std::move(sums).value();
  return Ok{};
}

Status make_the_model(Session& session) {
  const data::DataShape data =
      (session.train_data ? session.train_data : session.evaluation_data)->shape();
  math::ModelShape shape;
  shape.table_dims = session.table_dims();
  shape.dense_columns = data.dense_columns;
  std::vector<std::string> ids;
  for (const FeatureConfig& feature : session.job.features)
    if (feature.is_id()) ids.push_back(feature.name);
  for (const FeatureConfig& feature : session.job.features) {
    if (!feature.is_id()) continue;
    const auto target = std::find(ids.begin(), ids.end(), feature.target) - ids.begin();
    shape.bags.push_back({.table = data.bag_tables[shape.bags.size()],
                          .pooling = feature.pooling,
                          .target = static_cast<uint32_t>(target)});
  }
  const Precision precision = session.job.train.precision;
  const Result<const math::Ops*> ops = math::ops_of_device(session.job.train.device, precision);
  if (!ops.ok()) return ops.error();
  session.ops = ops.value();
  if (session.first() && precision == Precision::kBf16 && !ops.value()->multiplies_bf16())
    spdlog::warn("train.precision: this machine has no products in bf16; they are f32");
  if (session.first() && precision == Precision::kTf32 && !ops.value()->multiplies_tf32())
    spdlog::warn("train.precision: this device has no products in tf32; they are f32");
  Result<std::unique_ptr<math::Model>> model =
      math::make_model(session.job.model, shape, session.job.train.seed, *ops.value(), precision);
  if (!model.ok()) return model.error();
  session.model = std::move(model).value();
  Result<std::unique_ptr<math::DenseOptimizer>> optimizer = math::make_dense_optimizer(
      session.job.train.optimizer, {session.model->values().size(), session.model->parameters()},
      *ops.value());
  if (!optimizer.ok()) return optimizer.error();
  session.optimizer = std::move(optimizer).value();
  std::vector<uint32_t> table_of_bag;
  for (const math::ModelShape::BagFeature& bag : shape.bags) table_of_bag.push_back(bag.table);
  session.row_cache = std::make_unique<evaluation::RowCache>(*session.ops, session.table_dims(),
                                                             std::move(table_of_bag),
                                                             session.job.eval.row_cache_bytes);
  return Ok{};
}

Status load_checkpoint(Session& session) {
  const fs::path& folder = *session.options.checkpoint;
  Result<CheckpointManifest> manifest = read_manifest(folder);
  if (!manifest.ok()) return manifest.error();
  const auto differs = [&](const std::string& what) {
    return Error{ErrorCode::kInvalidArgument, folder.string() + ": " + what};
  };
  if (manifest.value().tables != session.job.tables)
    return differs("its tables are not those of the job");
  if (session.options.mode == WorkerMode::kTrain &&
      (manifest.value().readers != session.job.data.readers ||
       manifest.value().positions.size() != session.job.data.readers))
    return differs("was written with data.readers " + std::to_string(manifest.value().readers) +
                   ", the job has " + std::to_string(session.job.data.readers) +
                   "; it is fixed for the life of a job");
  const auto& positions = manifest.value().positions;
  const bool within_an_epoch =
      std::any_of(positions.begin(), positions.end(), [](const auto& position) {
        return position != std::pair{0u, 0u};
      });
  if (session.options.mode == WorkerMode::kTrain && within_an_epoch &&
      manifest.value().data_order != session.train_data->order_fingerprint())
    return differs(
        "was written within an epoch, of other training data or in another order (data.train, "
        "data.shuffle, train.seed); these can change only between epochs");
  std::ifstream features(folder / "features.json", std::ios::binary);
  Result<features::Statistics> statistics =
      features::Statistics::from_json(std::string(std::istreambuf_iterator<char>(features), {}));
  if (!statistics.ok()) return differs("features.json: " + statistics.error().message);
  session.statistics = std::move(statistics).value();
  session.manifest = std::move(manifest).value();
  return read_dense(folder / "dense.safetensors", *session.model, *session.optimizer);
}

Status connect(Session& session, zmq::context_t& context) {
  client::PsClientOptions options;
  options.endpoints = session.options.endpoints;
  options.slots = {1, session.job.shards()};
  options.incarnation = session.options.incarnation;
  options.worker = session.rank();
  options.table_dims = session.table_dims();
  options.wire = session.job.ps.wire;
  options.timeout_s = session.job.ps.timeout_s;
  options.stall_timeout_s = session.job.train.stall_timeout_s;
  options.recovery = session.job.ps.recovery;
  Result<std::unique_ptr<client::PsClient>> client =
      client::PsClient::connect(options, context, session.metrics);
  if (!client.ok()) return client.error();
  session.client = std::move(client).value();
  return Ok{};
}

}  // namespace

std::vector<uint32_t> Session::table_dims() const {
  std::vector<uint32_t> dims;
  for (const TableConfig& table : job.tables) dims.push_back(table.dim);
  return dims;
}

Result<std::unique_ptr<Session>> Session::open(const WorkerOptions& options,
                                               collective::Collective& collective,
                                               zmq::context_t& context, WorkerMetrics& metrics) {
  auto session = std::make_unique<Session>(options, collective, metrics);
  if (Status s = agree(collective, open_data(*session)); !s.ok()) return s.error();
  if (Status s = choose_device(*session); !s.ok()) return s.error();
  if (Status s = agree(collective, make_the_model(*session)); !s.ok()) return s.error();
  const Status loaded = options.checkpoint ? load_checkpoint(*session) : Status(Ok{});
  if (Status s = agree(collective, loaded); !s.ok()) return s.error();
  if (!options.checkpoint)
    if (Status s = compute_statistics(*session); !s.ok()) return s.error();
  if (Status s = agree(collective, connect(*session, context)); !s.ok()) return s.error();
  return session;
}

}  // namespace cairn::training
