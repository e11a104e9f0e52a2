// Tests that only a GPU can make: models on it beside the same on the CPU. Nothing is waited for
// except where the code itself waits.
#include "worker/math/device/gpu.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <thread>
#include <vector>

#include "tests/seed.h"
#include "tests/worker/math/models/twins.h"
#include "tests/worker/math/models/variations.h"

namespace cairn::math {
namespace {

class Alone final : public Peers {
 public:
  void sum(std::span<float>) override {}
};

// Skips, saying why, where there is no GPU.
template <typename Base>
class OnGpu : public Base {
 protected:
  void SetUp() override {
    const Result<uint32_t> gpus = gpu_count();
    if (!gpus.ok()) GTEST_SKIP() << gpus.error().message;
    gpu = open_gpu(0).value();
  }

  Gpu gpu;
  Alone alone;
};

using GpuTest = OnGpu<testing::Test>;

class GpuModelTest : public OnGpu<testing::TestWithParam<Variation>> {};

TEST_P(GpuModelTest, ComputesWhatTheCpuDoes) {
  ModelShape shape = example_shape();
  ModelConfig config = example_config();
  GetParam().change(config, shape);
  const bool pairwise = std::ranges::count(config.tasks, Loss::kPairwise, &TaskConfig::loss) > 0;
  for (const Precision precision : {Precision::kF32, Precision::kBf16}) {
    Twins twins(config, shape, *cuda_ops().value(), precision,
                precision == Precision::kF32 ? 5e-5 : 3e-2);
    for (uint64_t step = 1; step <= 6; ++step) {
      ExampleBatch batch(shape, config.tasks.size(), step == 3 ? 5 : 9, test_seed() + step);
      batch.first_sample = pairwise ? 0 : 100 * step;  // the others' rows would have to be there
      batch.peers = &alone;
      ASSERT_NO_FATAL_FAILURE(twins.step(batch, step));
    }
    ExampleBatch last(shape, config.tasks.size(), 8, test_seed() + 9);
    ASSERT_NO_FATAL_FAILURE(twins.predict(last));
  }
}

INSTANTIATE_TEST_SUITE_P(Variations, GpuModelTest, testing::ValuesIn(model_variations()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_F(GpuTest, LossesOfTwoHundredStepsAgree) {
  const ModelShape shape = example_shape();
  for (const Precision precision : {Precision::kF32, Precision::kTf32, Precision::kBf16}) {
    Twins twins(example_config(), shape, *cuda_ops(precision == Precision::kTf32).value(),
                precision);
    double first = 0.0;
    for (uint64_t step = 1; step <= 200; ++step) {
      ExampleBatch batch(shape, 2, 512, test_seed() + step % 8);
      batch.peers = &alone;
      ASSERT_NO_FATAL_FAILURE(twins.step_apart(batch, step));
      const double bound = precision == Precision::kF32 ? 1e-3 : 2e-2;
      ASSERT_NEAR(twins.device_loss(), twins.cpu_loss(), bound * std::abs(twins.cpu_loss()))
          << "step " << step;
      if (step == 1) first = twins.cpu_loss();
    }
    EXPECT_LT(twins.cpu_loss(), first);
  }
}

// Each keeps graphs and reads while the other does.
TEST_F(GpuTest, TwoThreadsShareAGpu) {
  const auto train = [] {
    ASSERT_TRUE(open_gpu(0).ok());
    Alone alone;
    Twins twins(example_config(), example_shape(), *cuda_ops().value(), Precision::kF32, 5e-5);
    for (uint64_t step = 1; step <= 20; ++step) {
      ExampleBatch batch(example_shape(), 2, 64, test_seed() + step % 2);
      batch.peers = &alone;
      ASSERT_NO_FATAL_FAILURE(twins.step(batch, step));
    }
  };
  std::thread other(train);
  train();
  other.join();
}

TEST_F(GpuTest, StreamsWaitForEventsAndGraphsRunAgain) {
  Device& device = *gpu.device;
  constexpr size_t kFloats = 1 << 20;
  auto* host = static_cast<float*>(device.allocate_staging(kFloats * sizeof(float)));
  auto* here = static_cast<float*>(device.allocate(kFloats * sizeof(float)));
  auto* there = static_cast<float*>(device.allocate(kFloats * sizeof(float)));
  const Stream second = device.make_stream();
  const Event copied = device.make_event();
  std::iota(host, host + kFloats, 1.0f);
  device.copy(device.stream(), here, host, kFloats * sizeof(float));
  device.record(copied, device.stream());
  device.wait(second, copied);
  device.copy(second, there, here, kFloats * sizeof(float));
  device.synchronize(second);
  EXPECT_TRUE(device.done(copied));
  std::vector<float> got(kFloats);
  device.read(std::span(got), there);
  EXPECT_TRUE(std::equal(got.begin(), got.end(), host));

  device.begin_capture(second);
  device.zero(second, there, kFloats * sizeof(float));
  const Graph graph = device.end_capture(second);
  device.read(std::span(got), there);
  EXPECT_EQ(got[1], 2.0f) << "what is kept has not happened";
  device.launch(graph, second);
  device.synchronize(second);
  device.read(std::span(got), there);
  EXPECT_EQ(got[1], 0.0f);
  device.destroy(graph);
  device.free(here, kFloats * sizeof(float));
  device.free(there, kFloats * sizeof(float));
  device.free_staging(host, kFloats * sizeof(float));
}

}  // namespace
}  // namespace cairn::math
