#include "common/config/learning_rate.h"

#include <gtest/gtest.h>

#include <cmath>

namespace cairn {
namespace {

TEST(LearningRate, WithoutAScheduleIsTheBaseBitForBit) {
  for (const float base : {0.05f, 1e-3f, 1.0f / 3})
    for (const uint64_t step : {uint64_t{1}, uint64_t{77}, uint64_t{1} << 40})
      EXPECT_EQ(learning_rate(base, {}, step), base);
}

TEST(LearningRate, WarmsUpLinearlyWhateverFollows) {
  for (const Schedule kind :
       {Schedule::kConstant, Schedule::kStep, Schedule::kCosine, Schedule::kInverseSqrt}) {
    const ScheduleConfig schedule = {.kind = kind, .warmup_steps = 8, .decay_steps = 100};
    EXPECT_EQ(learning_rate(0.5f, schedule, 1), 0.5f / 8);
    EXPECT_EQ(learning_rate(0.5f, schedule, 6), 0.5f * 6 / 8);
    EXPECT_EQ(learning_rate(0.5f, schedule, 8), 0.5f);
  }
  EXPECT_EQ(learning_rate(0.5f, {.warmup_steps = 8}, 9), 0.5f);
}

TEST(LearningRate, FallsInSteps) {
  const ScheduleConfig schedule = {
      .kind = Schedule::kStep, .warmup_steps = 10, .decay_steps = 100, .factor = 0.5f};
  EXPECT_EQ(learning_rate(1, schedule, 109), 1.0f);
  EXPECT_EQ(learning_rate(1, schedule, 110), 0.5f);
  EXPECT_EQ(learning_rate(1, schedule, 310), 0.125f);
}

TEST(LearningRate, FallsAlongACosineAndStaysAtItsEnd) {
  const ScheduleConfig schedule = {
      .kind = Schedule::kCosine, .warmup_steps = 10, .decay_steps = 100, .factor = 0.1f};
  EXPECT_FLOAT_EQ(learning_rate(2, schedule, 60), 1.1f);
  EXPECT_FLOAT_EQ(learning_rate(2, schedule, 35),
                  static_cast<float>(0.2 + 1.8 * (1 + std::sqrt(0.5)) / 2));
  EXPECT_FLOAT_EQ(learning_rate(2, schedule, 110), 0.2f);
  EXPECT_FLOAT_EQ(learning_rate(2, schedule, 100'000), 0.2f);
}

TEST(LearningRate, FallsWithTheRootOfTheStepFromTheEndOfTheWarmUp) {
  const ScheduleConfig schedule = {.kind = Schedule::kInverseSqrt, .warmup_steps = 100};
  EXPECT_EQ(learning_rate(1, schedule, 400), 0.5f);
  EXPECT_FLOAT_EQ(learning_rate(1, schedule, 10'000), 0.1f);
  EXPECT_EQ(learning_rate(1, {.kind = Schedule::kInverseSqrt}, 1), 1.0f);
  EXPECT_EQ(learning_rate(1, {.kind = Schedule::kInverseSqrt}, 16), 0.25f);
}

}  // namespace
}  // namespace cairn
