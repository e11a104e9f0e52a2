#include "worker/training/dense_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/random.h"
#include "tests/common/temporary_folder.h"
#include "tests/seed.h"
#include "worker/math/device/host_device.h"

namespace cairn::training {
namespace {

using testing::HasSubstr;

ModelConfig small_model() {
  ModelConfig config;
  config.cross_layers = 1;
  config.deep_units = {3};
  config.expert_units = {2};
  config.tasks = {{.name = "click"}};
  return config;
}

struct Trained {
  explicit Trained(const ModelConfig& config, const math::Ops& ops = math::cpu_ops()) {
    math::ModelShape shape;
    shape.dense_columns = 2;
    model = math::make_model(config, shape, test_seed(), ops).value();
    optimizer = math::make_dense_optimizer({}, model->values().size(), ops).value();
    RandomStream random(test_seed(), 9);
    set(model->values(), normals(random, model->values().size()));
    set(optimizer->state(), normals(random, optimizer->state().size()));
  }
  static std::vector<float> normals(RandomStream& random, size_t count) {
    std::vector<float> values(count);
    for (float& value : values) value = random.next_normal();
    return values;
  }
  void set(std::span<float> numbers, const std::vector<float>& values) {
    model->memory().write(numbers.data(), std::span(values));
  }
  std::unique_ptr<math::Model> model;
  std::unique_ptr<math::DenseOptimizer> optimizer;
};

class DenseFile : public testing::Test {
 protected:
  void write(std::string_view bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }
  TemporaryFolder folder;
  std::filesystem::path file = folder.path() / "dense.safetensors";
};

TEST_F(DenseFile, RoundTripsEveryBit) {
  Trained saved(small_model());
  write(write_dense(*saved.model, *saved.optimizer));
  Trained loaded(small_model());
  for (float& value : loaded.model->values()) value = 0;
  for (float& value : loaded.optimizer->state()) value = 0;
  const Status status = read_dense(file, *loaded.model, *loaded.optimizer);
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_EQ(write_dense(*loaded.model, *loaded.optimizer),
            write_dense(*saved.model, *saved.optimizer));
}

// The CPU's operations, on numbers that stand in the memory of the thread's HostDevice.
const math::Ops& ops_on_device() {
  static const math::Ops kOps = [] {
    math::Ops ops = math::cpu_ops();
    ops.memory = []() -> math::Memory& { return math::HostDevice::of_this_thread(); };
    return ops;
  }();
  return kOps;
}

TEST_F(DenseFile, RoundTripsWhatADeviceHasAndIsYetToWrite) {
  math::HostDevice device(math::HostDevice::Order::kAnyOrder, test_seed());
  Trained saved(small_model(), ops_on_device());
  const std::span<float> values = saved.model->values();
  RandomStream random(test_seed(), 12);
  const std::vector<float> late = Trained::normals(random, values.size());
  device.copy(device.stream(), values.data(), late.data(), values.size_bytes());
  write(write_dense(*saved.model, *saved.optimizer));

  Trained on_host(small_model());
  on_host.set(on_host.model->values(), late);
  const std::string want = write_dense(*on_host.model, *on_host.optimizer);
  EXPECT_TRUE(write_dense(*saved.model, *saved.optimizer) == want);

  Trained loaded(small_model(), ops_on_device());
  loaded.set(loaded.optimizer->state(), std::vector<float>(loaded.optimizer->state().size()));
  const Status status = read_dense(file, *loaded.model, *loaded.optimizer);
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_TRUE(write_dense(*loaded.model, *loaded.optimizer) == want);
}

TEST_F(DenseFile, RefusesTruncationAndChangesNothing) {
  Trained saved(small_model());
  const std::string bytes = write_dense(*saved.model, *saved.optimizer);
  RandomStream random(test_seed(), 11);
  for (int i = 0; i < 200; ++i) {
    const size_t length = i < 10 ? i : random.next_below(bytes.size());
    write(std::string_view(bytes).substr(0, length));
    EXPECT_FALSE(read_dense(file, *saved.model, *saved.optimizer).ok()) << length;
  }
  EXPECT_EQ(write_dense(*saved.model, *saved.optimizer), bytes);
}

TEST_F(DenseFile, NamesTheTensorThatDiffers) {
  Trained saved(small_model());
  write(write_dense(*saved.model, *saved.optimizer));
  ModelConfig other = small_model();
  other.deep_units = {4};
  Trained loaded(other);
  const Status status = read_dense(file, *loaded.model, *loaded.optimizer);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.error().message, HasSubstr("deep.0.weight"));
}

TEST_F(DenseFile, SurvivesRandomDamage) {
  Trained saved(small_model());
  const std::string bytes = write_dense(*saved.model, *saved.optimizer);
  RandomStream random(test_seed(), 10);
  for (int i = 0; i < 100; ++i) {
    std::string damaged = bytes;
    for (int flips = 0; flips < 3; ++flips)
      damaged[random.next_below(damaged.size() / 2)] = static_cast<char>(random.next_u32());
    write(damaged);
    (void)read_dense(file, *saved.model, *saved.optimizer).ok();
  }
}

}  // namespace
}  // namespace cairn::training
