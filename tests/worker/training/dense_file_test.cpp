#include "worker/training/dense_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "common/random.h"
#include "tests/common/temporary_folder.h"
#include "tests/seed.h"
#include "tests/worker/version/small_definition.h"
#include "worker/math/device/host_device.h"
#include "worker/version/checkpoint_version.h"

namespace cairn::training {
namespace {

using testing::HasSubstr;

using version::ModelDefinition;
using version::random_version;
using version::small_definition;
using version::VersionPtr;

VersionPtr read(const std::filesystem::path& folder,
                const std::shared_ptr<const ModelDefinition>& definition) {
  return version::read_version(folder, 7, definition).value();
}

// A random version and an optimizer of its model in some random state.
struct Trained {
  explicit Trained(std::vector<uint32_t> deep_units = {3}, const math::Ops& ops = math::cpu_ops())
      : definition(small_definition(std::move(deep_units))), memory(ops.memory()) {
    RandomStream random(test_seed(), 9);
    version = random_version(definition, 7, random);
    optimizer = math::make_dense_optimizer({}, definition->floats, ops).value();
    state.resize(optimizer->state().size());
    for (float& value : state) value = random.next_normal();
    set_state(state);
  }
  void set_state(const std::vector<float>& values) {
    memory.write(optimizer->state().data(), std::span(values));
  }
  std::string written() const { return write_dense(*version, *optimizer, memory); }
  Status read_state(const std::filesystem::path& file) {
    return read_optimizer_state(file, *definition, *optimizer, memory);
  }
  std::shared_ptr<const ModelDefinition> definition;
  math::Memory& memory;
  VersionPtr version;
  std::unique_ptr<math::DenseOptimizer> optimizer;
  std::vector<float> state;
};

class DenseFile : public testing::Test {
 protected:
  DenseFile() {
    std::ofstream(folder.path() / version::kStatisticsFile) << features::Statistics{}.to_json();
  }
  void write(std::string_view bytes) {
    std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
  }
  TemporaryFolder folder;
  std::filesystem::path file = folder.path() / version::kDenseFile;
};

TEST_F(DenseFile, RoundTripsEveryBit) {
  Trained saved;
  const std::string bytes = saved.written();
  write(bytes);
  const auto loaded = version::read_version(folder.path(), 7, saved.definition);
  ASSERT_TRUE(loaded.ok()) << loaded.error().message;
  EXPECT_EQ(loaded.value()->step, 7u);
  EXPECT_EQ(loaded.value()->parameters, saved.version->parameters);
  saved.set_state(std::vector<float>(saved.state.size()));
  const Status status = saved.read_state(file);
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_TRUE(saved.written() == bytes);
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
  Trained saved({3}, ops_on_device());
  std::vector<float> late = saved.state;
  std::reverse(late.begin(), late.end());
  const std::span<float> state = saved.optimizer->state();
  device.copy(device.stream(), state.data(), late.data(), state.size_bytes());
  write(saved.written());

  Trained on_host;
  on_host.set_state(late);
  const std::string want = on_host.written();
  EXPECT_TRUE(saved.written() == want);

  Trained loaded({3}, ops_on_device());
  const Status status = loaded.read_state(file);
  ASSERT_TRUE(status.ok()) << status.error().message;
  EXPECT_TRUE(loaded.written() == want);
}

TEST_F(DenseFile, RefusesTruncationAndChangesNothing) {
  Trained saved;
  const std::string bytes = saved.written();
  RandomStream random(test_seed(), 11);
  for (int i = 0; i < 200; ++i) {
    const size_t length = i < 10 ? i : random.next_below(bytes.size());
    write(std::string_view(bytes).substr(0, length));
    EXPECT_FALSE(saved.read_state(file).ok()) << length;
    const auto version = version::read_version(folder.path(), 7, saved.definition);
    ASSERT_FALSE(version.ok()) << length;
    EXPECT_EQ(version.error().code, ErrorCode::kCorrupt);
    EXPECT_THAT(version.error().message, HasSubstr(file.string()));
  }
  EXPECT_TRUE(saved.written() == bytes);
}

TEST_F(DenseFile, NamesTheTensorThatDiffers) {
  write(Trained().written());
  const auto version = version::read_version(folder.path(), 7, small_definition({4}));
  ASSERT_FALSE(version.ok());
  EXPECT_EQ(version.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(version.error().message, HasSubstr("deep.0.weight"));
  const Status state = Trained({4}).read_state(file);
  ASSERT_FALSE(state.ok());
  EXPECT_THAT(state.error().message, HasSubstr("deep.0.weight"));
}

TEST_F(DenseFile, AModelOfMoreTensorsIsRefused) {
  write(Trained({3, 3}).written());
  const auto version = version::read_version(folder.path(), 7, small_definition({3}));
  ASSERT_FALSE(version.ok());
  EXPECT_EQ(version.error().code, ErrorCode::kInvalidArgument);
}

// Who only scores needs no optimizer: a version is read whatever optimizer has trained it.
TEST_F(DenseFile, AVersionDoesNotKnowTheOptimizer) {
  Trained saved;
  DenseOptimizerConfig config;
  config.name = "sgd";
  const auto other =
      math::make_dense_optimizer(config, saved.definition->floats, math::cpu_ops()).value();
  write(write_dense(*saved.version, *other, saved.memory));
  EXPECT_EQ(read(folder.path(), saved.definition)->parameters, saved.version->parameters);
  EXPECT_FALSE(saved.read_state(file).ok());
}

TEST_F(DenseFile, MissingAndDamagedFilesAreNamed) {
  const auto definition = small_definition();
  const auto missing = version::read_version(folder.path(), 7, definition);
  ASSERT_FALSE(missing.ok());
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
  EXPECT_THAT(missing.error().message, HasSubstr(version::kDenseFile));
  std::ofstream(folder.path() / version::kStatisticsFile) << "{";
  const auto damaged = version::read_version(folder.path(), 7, definition);
  ASSERT_FALSE(damaged.ok());
  EXPECT_THAT(damaged.error().message, HasSubstr(version::kStatisticsFile));
}

}  // namespace
}  // namespace cairn::training
