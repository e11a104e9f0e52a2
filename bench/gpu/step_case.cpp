#include "bench/gpu/step_case.h"

#include "bench/gpu/keys.h"
#include "bench/gpu/timed_device.h"
#include "bench/gpu/timing.h"
#include "common/random.h"
#include "worker/training/step_buffers.h"

namespace cairn::gpu {
namespace {

constexpr size_t kWarm = 5, kSteps = 40;

// One id per row of each feature, all of one table. Of the keys only how many they are is used.
features::Batch draw(const step::StepModel& model, size_t rows) {
  RandomStream random(1, 1);
  const size_t bags = model.shape.bags.size();
  std::vector<uint32_t> ids(bags * rows);
  for (uint32_t& id : ids) id = static_cast<uint32_t>(random.next_below(model.table_rows[0]));
  const size_t unique = make_unique(ids, model.table_rows[0]);

  features::Batch batch;
  batch.samples = static_cast<uint32_t>(rows);
  batch.keys = {std::vector<Key>(unique)};
  batch.bags.resize(bags);
  for (size_t b = 0; b < bags; ++b) {
    const auto first = ids.begin() + static_cast<ptrdiff_t>(b * rows);
    batch.bags[b].index.assign(first, first + static_cast<ptrdiff_t>(rows));
    for (uint32_t r = 0; r <= rows; ++r) batch.bags[b].offsets.push_back(r);
  }
  batch.dense.resize(rows * model.shape.dense_columns);
  for (float& x : batch.dense) x = random.next_float();
  batch.labels.resize(rows * model.config.tasks.size());
  for (float& y : batch.labels) y = random.next_below(2) ? 1.0f : 0.0f;
  return batch;
}

}  // namespace

StepTime measure_step(const Machine& machine, const step::StepModel& spec, size_t rows,
                      Precision precision) {
  check(spec.table_rows.size() == 1, "a step on a GPU is measured with one table");
  TimedDevice device(machine.device);
  const math::Ops ops = device.timed(machine.ops(precision));
  const auto model = math::make_model(spec.config, spec.shape, 1, ops, precision).value();
  const size_t parameters = model->values().size();
  const auto optimizer =
      math::make_dense_optimizer({}, {parameters, model->parameters()}, ops).value();

  const features::Batch batch = draw(spec, rows);
  training::StepBuffers buffers(spec.shape.table_dims,
                                static_cast<uint32_t>(spec.config.tasks.size()), model->memory());
  buffers.resize(batch);
  const std::vector<float> values = noise(buffers.rows()[0].size());
  for (size_t i = 0; i < values.size(); ++i) buffers.rows()[0][i] = 0.1f * values[i];

  EventClock adam(device.stream());
  std::vector<double> on_device, on_wall;
  for (uint64_t number = 1; number <= kWarm + kSteps; ++number) {
    device.begin();
    const double start = wall_seconds();
    model->train_step(buffers.input(batch, {static_cast<double>(rows), number, 0, nullptr}),
                      buffers.output());
    adam.start();
    optimizer->step(model->values(), model->gradients(), number);
    adam.stop();
    device.synchronize(device.stream());
    const double end = wall_seconds();
    if (number <= kWarm) continue;
    check(device.launches() > 0, "a step launched no graph");
    on_device.push_back(device.seconds() + adam.seconds());
    on_wall.push_back(end - start);
  }
  return {median(on_device), median(on_wall), {rows, batch.keys[0].size(), parameters}};
}

}  // namespace cairn::gpu
