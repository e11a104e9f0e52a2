// Buckets as a model tells of them: on a HostDevice, whose work happens late and in any order that
// the code allows.
#include "worker/math/models/gradient_buckets.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "tests/seed.h"
#include "tests/worker/math/models/example.h"
#include "tests/worker/math/ops/backends.h"
#include "worker/math/device/host_device.h"

namespace cairn::math {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Notes what a model tells of its gradients, and that it is complete then.
class Parts final : public GradientSink {
 public:
  explicit Parts(Model& model) : model_(model) {}
  void ready(std::span<float> part) override {
    std::vector<float>& seen = parts_.emplace_back(part.size());
    model_.memory().read(std::span(seen), part.data());
    places_.push_back(static_cast<size_t>(part.data() - model_.gradients().data()));
  }
  // From the end to the beginning, without a gap.
  std::vector<float> together() const {
    std::vector<float> all(model_.gradients().size(), kNan);
    size_t end = all.size();
    for (size_t i = 0; i < parts_.size(); ++i) {
      EXPECT_EQ(places_[i] + parts_[i].size(), end);
      end = places_[i];
      std::ranges::copy(parts_[i], all.begin() + static_cast<ptrdiff_t>(end));
    }
    EXPECT_EQ(end, 0u);
    return all;
  }
  size_t count() const { return parts_.size(); }

 private:
  Model& model_;
  std::vector<std::vector<float>> parts_;
  std::vector<size_t> places_;
};

class GradientBucketsTest : public testing::TestWithParam<const Ops*> {};

TEST_P(GradientBucketsTest, GradientsAreToldOfWhenTheyAreComplete) {
  HostDevice device(HostDevice::Order::kAnyOrder, test_seed());
  ModelShape shape = example_shape();
  ModelConfig config = example_config();
  config.deep_units = {1500, 1500, 700};  // several buckets
  config.l2 = 0.01f;
  const auto model = make_model(config, shape, test_seed(), *GetParam()).value();
  std::vector<float> predictions(18), start(model->gradients().size(), kNan);
  std::vector<double> losses(2);
  size_t count = 0;
  for (uint64_t step = 1; step <= 5; ++step) {
    ExampleBatch batch(shape, 2, step == 4 ? 0 : 9, test_seed() + step);
    predictions.resize(batch.samples * 2);
    std::vector<std::vector<float>> rows;
    for (const auto& table : batch.tables) rows.emplace_back(table.size());
    const std::vector<std::span<float>> grads(rows.begin(), rows.end());
    model->memory().write(model->gradients().data(), std::span<const float>(start));
    Parts parts(*model);
    model->train_step(batch.input(), {predictions, grads, losses, &parts});
    std::vector<float> want(model->gradients().size());
    model->memory().read(std::span(want), model->gradients().data());
    const std::vector<float> told = parts.together();
    EXPECT_EQ(std::memcmp(told.data(), want.data(), want.size() * sizeof(float)), 0) << step;
    if (step == 1) count = parts.count();
    EXPECT_EQ(parts.count(), count);
  }
  EXPECT_GT(count, 2u);
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, GradientBucketsTest,
                         testing::ValuesIn(backends_in_this_build()), backend_name);

}  // namespace
}  // namespace cairn::math
