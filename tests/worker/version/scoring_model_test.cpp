#include "worker/version/scoring_model.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "tests/seed.h"
#include "tests/worker/math/ops/backends.h"
#include "tests/worker/version/small_definition.h"
#include "worker/math/device/host_device.h"

namespace cairn::version {
namespace {

constexpr size_t kSamples = 7;

// One random input of the small model.
struct Input {
  explicit Input(RandomStream& random) {
    for (float& number : numbers) number = random.next_normal();
    for (float& value : rows) value = random.next_normal();
    for (size_t s = 0; s <= kSamples; ++s) offsets[s] = static_cast<uint32_t>(s);
    for (uint32_t& row : index) row = static_cast<uint32_t>(random.next_below(3));
    input.samples = kSamples;
    input.dense = numbers;
    input.bags = {&bag, 1};
    input.tables = {&table, 1};
  }
  Input(const Input&) = delete;

  float numbers[kSamples * 2], rows[3 * 4];
  uint32_t offsets[kSamples + 1], index[kSamples];
  math::ModelInput::Bag bag{offsets, index};
  std::span<const float> table = rows;
  math::ModelInput input;
};

std::vector<float> predictions_of(ScoringModel& model, const Input& input) {
  std::vector<float> predictions(kSamples);
  model.predict(input.input, predictions);
  return predictions;
}

class ScoringModelTest : public testing::TestWithParam<const math::Ops*> {
 protected:
  math::HostDevice device_{math::HostDevice::Order::kAnyOrder, test_seed()};
};

TEST_P(ScoringModelTest, PredictsAsAModelWithTheVersionsParametersDoes) {
  RandomStream random(test_seed(), 21);
  const math::Ops& ops = *GetParam();
  const auto definition = small_definition();
  const Input input(random);
  const auto trained =
      math::make_model(definition->config, definition->shape, definition->seed, ops).value();
  const auto scoring = ScoringModel::make(definition, ops).value();
  EXPECT_EQ(scoring->version(), nullptr);
  for (uint64_t step = 1; step <= 5; ++step) {
    const VersionPtr version = random_version(definition, step, random);
    trained->memory().write(trained->values().data(), std::span(version->parameters));
    std::vector<float> want(kSamples), encodings(kSamples * trained->encoding_dim());
    trained->predict(input.input, want);
    trained->encode(input.input, encodings);
    scoring->use(version);
    EXPECT_EQ(scoring->version(), version);
    EXPECT_EQ(predictions_of(*scoring, input), want);
    std::vector<float> got(encodings.size());
    scoring->encode(input.input, got);
    EXPECT_EQ(got, encodings);
  }
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, ScoringModelTest,
                         testing::Values(&math::cpu_ops(), &math::cuda_on_host::table()),
                         math::backend_name);

// Threads share versions, each with a model of its own, while a publisher replaces them: every
// answer is that of one version as a whole.
TEST(CurrentVersion, ReadersSeeWholeVersionsWhileNewOnesArePublished) {
  RandomStream random(test_seed(), 23);
  const auto definition = small_definition();
  const Input input(random);
  constexpr uint64_t kVersions = 200;
  std::vector<VersionPtr> versions;
  std::map<uint64_t, std::vector<float>> want;
  const auto scoring = ScoringModel::make(definition, math::cpu_ops()).value();
  for (uint64_t step = 0; step < kVersions; ++step) {
    versions.push_back(random_version(definition, step, random));
    scoring->use(versions.back());
    want[step] = predictions_of(*scoring, input);
  }
  CurrentVersion current;
  EXPECT_EQ(current.get(), nullptr);
  current.publish(versions.front());
  std::atomic<uint64_t> wrong = 0, answers = 0;
  std::atomic<bool> done = false;
  std::vector<std::jthread> readers;
  for (int reader = 0; reader < 3; ++reader)
    readers.emplace_back([&] {
      const auto model = ScoringModel::make(definition, math::cpu_ops()).value();
      uint64_t last = 0;
      do {
        const VersionPtr version = current.get();
        model->use(version);
        if (predictions_of(*model, input) != want.at(version->step) || version->step < last)
          ++wrong;
        last = version->step;
        ++answers;
      } while (!done);
    });
  for (const VersionPtr& version : versions) {
    const uint64_t before = answers;
    current.publish(version);
    while (answers == before) std::this_thread::yield();
  }
  done = true;
  readers.clear();
  EXPECT_EQ(wrong, 0u);
  EXPECT_EQ(current.get()->step, kVersions - 1);
}

TEST(CurrentVersion, AReplacedVersionLivesAsLongAsSomeoneHoldsIt) {
  RandomStream random(test_seed(), 24);
  const auto definition = small_definition();
  CurrentVersion current;
  current.publish(random_version(definition, 1, random));
  const std::weak_ptr<const ModelVersion> first = current.get();
  VersionPtr held = current.get();
  current.publish(random_version(definition, 2, random));
  EXPECT_FALSE(first.expired());
  held.reset();
  EXPECT_TRUE(first.expired());
}

}  // namespace
}  // namespace cairn::version
