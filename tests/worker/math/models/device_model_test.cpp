// Whole models on a device, beside the same on the CPU: on a HostDevice whose work happens late and
// in any order that the code allows, so that what is not waited for is not there.
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/seed.h"
#include "tests/worker/math/models/example.h"
#include "tests/worker/math/models/twins.h"
#include "tests/worker/math/models/variations.h"
#include "tests/worker/math/ops/backends.h"
#include "worker/math/device/host_device.h"

namespace cairn::math {
namespace {

// The same sum of every worker's values: this one is alone.
class Nobody final : public Peers {
 public:
  void sum(std::span<float>) override {}
};

class DeviceModelTest : public testing::TestWithParam<Variation> {
 protected:
  DeviceModelTest() { GetParam().change(config, shape); }

  ModelShape shape = example_shape();
  ModelConfig config = example_config();
  HostDevice device{HostDevice::Order::kAnyOrder, test_seed()};
};

// More steps of one shape than it takes to keep a graph, of other shapes between them; each step
// has its own dropouts, so a graph that kept the number of a step would show.
TEST_P(DeviceModelTest, ComputesWhatTheCpuDoes) {
  Nobody nobody;
  Twins twins(config, shape, cuda_on_host::table());
  const size_t tasks = config.tasks.size();
  const bool pairwise = std::ranges::count(config.tasks, Loss::kPairwise, &TaskConfig::loss) > 0;
  for (uint64_t step = 1; step <= 6; ++step) {
    ExampleBatch batch(shape, tasks, step == 3 ? 5 : 9, test_seed() + step);
    batch.first_sample = pairwise ? 0 : 100 * step;  // the others' rows would have to be there
    batch.peers = &nobody;
    ASSERT_NO_FATAL_FAILURE(twins.step(batch, step));
  }
  ExampleBatch empty(shape, tasks, 0, test_seed());
  empty.peers = &nobody;
  ASSERT_NO_FATAL_FAILURE(twins.step(empty, 7));
  ExampleBatch last(shape, tasks, 8, test_seed() + 9);
  ASSERT_NO_FATAL_FAILURE(twins.predict(last));
}

std::string name_of(const testing::TestParamInfo<Variation>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Variations, DeviceModelTest, testing::ValuesIn(model_variations()),
                         name_of);

TEST(DeviceModel, AsksForNoMemoryAndMakesNoGraphOnceAShapeIsKnown) {
  HostDevice device(HostDevice::Order::kAnyOrder, test_seed());
  const ModelShape shape = example_shape();
  Twins twins(example_config(), shape, cuda_on_host::table());
  const auto steps = [&](uint64_t first, uint64_t last) {
    for (uint64_t step = first; step <= last; ++step) {
      ExampleBatch batch(shape, 2, 16, test_seed() + step % 4);  // few shapes occur
      ASSERT_NO_FATAL_FAILURE(twins.step(batch, step));
    }
  };
  steps(1, 16);
  const size_t allocations = device.allocations(), graphs = device.captured();
  EXPECT_GT(graphs, 0u);
  steps(17, 32);
  EXPECT_EQ(device.captured(), graphs);
  EXPECT_EQ(device.allocations(), allocations);
}

TEST(DeviceModel, AnIndexBeyondTheTableEndsTheProcessBeforeTheDeviceHasIt) {
  HostDevice device(HostDevice::Order::kAnyOrder, test_seed());
  const auto model =
      make_model(example_config(), example_shape(), test_seed(), cuda_on_host::table()).value();
  ExampleBatch batch(example_shape(), 2, 16, test_seed());
  batch.bags[1][3] = {1000};
  std::vector<float> predictions(32);
  EXPECT_DEATH(model->predict(batch.input(), predictions), "an index is beyond the table's rows");
}

}  // namespace
}  // namespace cairn::math
