#include "tests/worker/math/models/twins.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "tests/seed.h"

namespace cairn::math {

void expect_close(std::span<const float> got, std::span<const float> want, const std::string& what,
                  double tolerance) {
  ASSERT_EQ(got.size(), want.size()) << what;
  double largest = 1.0;
  for (const float w : want) largest = std::max(largest, std::abs(double{w}));
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], want[i], tolerance * largest) << what << " " << i;
}

Twins::Twins(const ModelConfig& config, const ModelShape& shape, const Ops& device,
             Precision precision, double tolerance)
    : tasks_(config.tasks.size()),
      tolerance_(tolerance),
      cpu_(make_model(config, shape, test_seed(), cpu_ops()).value()),
      device_(make_model(config, shape, test_seed(), device, precision).value()),
      cpu_adam_(make_dense_optimizer({}, cpu_->values().size()).value()),
      device_adam_(make_dense_optimizer({}, device_->values().size(), device).value()) {}

Twins::Both Twins::run(ExampleBatch& batch, uint64_t number) {
  batch.step = number;
  Both both = {run_step(*cpu_, batch, tasks_), run_step(*device_, batch, tasks_)};
  cpu_loss_ = std::accumulate(both.cpu.losses.begin(), both.cpu.losses.end(), 0.0);
  device_loss_ = std::accumulate(both.device.losses.begin(), both.device.losses.end(), 0.0);
  cpu_adam_->step(cpu_->values(), cpu_->gradients(), number);
  device_adam_->step(device_->values(), device_->gradients(), number);
  return both;
}

void Twins::step(ExampleBatch& batch, uint64_t number) {
  const auto [want, got] = run(batch, number);
  device_->memory().write(device_->values().data(), std::span<const float>(cpu_->values()));
  const std::string at = "step " + std::to_string(number) + " ";
  expect_close(got.predictions, want.predictions, at + "predictions", tolerance_);
  expect_close(got.gradients, want.gradients, at + "gradients", tolerance_);
  for (size_t t = 0; t < want.table_grads.size(); ++t)
    expect_close(got.table_grads[t], want.table_grads[t], at + "rows", tolerance_);
  for (size_t t = 0; t < tasks_; ++t)
    ASSERT_NEAR(got.losses[t], want.losses[t], tolerance_ * std::max(1.0, std::abs(want.losses[t])))
        << at << "loss";
}

void Twins::step_apart(ExampleBatch& batch, uint64_t number) { run(batch, number); }

void Twins::predict(ExampleBatch& batch) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> want(batch.samples * tasks_, kNan), got = want;
  cpu_->predict(batch.input(), want);
  device_->predict(batch.input(), got);
  expect_close(got, want, "predictions", tolerance_);
  std::vector<float> encoded(batch.samples * cpu_->encoding_dim(), kNan), there_encoded = encoded;
  cpu_->encode(batch.input(), encoded);
  device_->encode(batch.input(), there_encoded);
  expect_close(there_encoded, encoded, "encodings", tolerance_);

  ModelInput input = batch.input();
  Memory& memory = device_->memory();
  std::vector<std::span<const float>> there;
  for (const std::span<const float> rows : input.tables) {
    auto* to = static_cast<float*>(memory.allocate(rows.size_bytes()));
    memory.write(to, rows);
    there.push_back({to, rows.size()});
  }
  input.tables = there;
  input.tables_in_memory = true;
  std::ranges::fill(got, kNan);
  device_->predict(input, got);
  expect_close(got, want, "predictions of rows that are there", tolerance_);
  for (const std::span<const float> rows : there)
    memory.free(const_cast<float*>(rows.data()), rows.size_bytes());
}

}  // namespace cairn::math
