#include "worker/math/nn/parameters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/seed.h"

namespace cairn::math::nn {
namespace {

using testing::Each;

std::vector<float> slice(Parameters& parameters, size_t i) {
  const ParameterInfo& info = parameters.infos()[i];
  const auto values = parameters.values().subspan(info.offset, info.size);
  return {values.begin(), values.end()};
}

TEST(Parameters, StartWhereVectorsAreAlignedWithZerosBetween) {
  Parameters parameters;
  Variable* first = parameters.add("a", {3, 7}, 0.5f);
  Variable* second = parameters.add("b", {2, 3, 5}, 0.5f);
  parameters.allocate(test_seed());
  EXPECT_EQ(parameters.infos()[0].size, 21u);
  EXPECT_EQ(parameters.infos()[1].offset, 32u);
  EXPECT_EQ(parameters.values().size(), 62u);
  EXPECT_EQ(parameters.gradients().size(), 62u);
  EXPECT_EQ(first->matrix().row(0), parameters.values().data());
  EXPECT_EQ(second->rows(), 6u);
  EXPECT_EQ(second->cols(), 5u);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(second->matrix().data) % 64, 0u);
  EXPECT_EQ(second->gradient.data, parameters.gradients().data() + 32);
  for (size_t i = 21; i < 32; ++i) EXPECT_EQ(parameters.values()[i], 0.0f);
}

TEST(Parameters, StartFromTheirSeedAndPlace) {
  const auto make = [](Parameters& parameters, uint64_t seed) {
    parameters.add("a", {40, 50}, 0.1f);
    parameters.add("b", {40, 50}, 0.1f);
    parameters.add("bias", {50}, 0.0f);
    parameters.allocate(seed);
  };
  Parameters one, same, different;
  make(one, test_seed());
  make(same, test_seed());
  make(different, test_seed() + 1);
  EXPECT_TRUE(std::ranges::equal(one.values(), same.values()));
  EXPECT_NE(slice(one, 0), slice(different, 0));
  EXPECT_NE(slice(one, 0), slice(one, 1));
  EXPECT_THAT(slice(one, 2), Each(0.0f));
}

TEST(Parameters, StartUniformWithinTheirLimit) {
  Parameters parameters;
  parameters.add("a", {200, 200}, he_limit(24));  // 0.5
  parameters.allocate(test_seed());
  double sum = 0, square = 0;
  for (const float w : parameters.values()) {
    ASSERT_LE(std::abs(w), 0.5f);
    sum += w;
    square += double{w} * w;
  }
  const auto n = static_cast<double>(parameters.values().size());
  EXPECT_NEAR(sum / n, 0.0, 6 * std::sqrt(0.25 / 3 / n));
  EXPECT_NEAR(square / n, 0.25 / 3, 0.002);
  EXPECT_FLOAT_EQ(glorot_limit(10, 14), 0.5f);
}

TEST(Parameters, ThatTookNoPartHaveAZeroGradient) {
  Parameters parameters;
  Variable* used = parameters.add("a", {4}, 1.0f);
  parameters.add("b", {4}, 1.0f);
  parameters.allocate(1);
  std::ranges::fill(parameters.gradients(), 7.0f);
  parameters.begin_step();
  used->written = true;
  parameters.end_step();
  EXPECT_THAT(parameters.gradients().first(4), Each(7.0f));
  EXPECT_THAT(parameters.gradients().subspan(16), Each(0.0f));
}

}  // namespace
}  // namespace cairn::math::nn
