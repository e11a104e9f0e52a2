#include "worker/training/decision.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cairn::training {
namespace {

using collective::Control;
using testing::HasSubstr;

TEST(Decision, GoesOnWithTheSamplesOfAllWorkers) {
  const Control controls[] = {{.next_samples = 3}, {.next_samples = 0}, {.next_samples = 4}};
  const Decision decision = decide(controls, 1, 0);
  EXPECT_EQ(decision.next, Next::kGoOn);
  EXPECT_EQ(decision.next_samples, 7u);
  EXPECT_FALSE(decision.error);
}

TEST(Decision, AnEpochEndsWhereNoWorkerHasSamples) {
  const Control controls[2] = {};
  EXPECT_EQ(decide(controls, 1, 0).next_samples, 0u);
  EXPECT_EQ(decide(controls, 1, 0).next, Next::kGoOn);
}

TEST(Decision, OneWorkersStopStopsAll) {
  const Control controls[] = {{.next_samples = 1}, {.stop = 1, .next_samples = 1}};
  EXPECT_EQ(decide(controls, 1, 0).next, Next::kStop);
}

TEST(Decision, OneWorkersFailureEndsAllAndCountsMoreThanAStop) {
  const Control controls[] = {{.stop = 1}, {.error = 1}};
  const Decision decision = decide(controls, 1, 0);
  EXPECT_EQ(decision.next, Next::kFailed);
  EXPECT_FALSE(decision.error) << "the worker that failed knows why";
}

TEST(Decision, BadSamplesAreAddedOverWorkersAndMayBeAsManyAsTheJobSays) {
  const Control controls[] = {{.bad_samples = 2}, {.stop = 1, .bad_samples = 3}};
  EXPECT_EQ(decide(controls, 4, 5).next, Next::kStop);
  const Decision decision = decide(controls, 4, 4);
  EXPECT_EQ(decision.next, Next::kFailed);
  ASSERT_TRUE(decision.error);
  EXPECT_EQ(decision.error->code, ErrorCode::kBadData);
  EXPECT_THAT(decision.error->message, HasSubstr("5 bad samples in epoch 4, more than"));
}

TEST(Decision, SamplesStandInTheGlobalBatchByRank) {
  const Control controls[] = {{.next_samples = 3}, {.next_samples = 0}, {.next_samples = 4}};
  EXPECT_EQ(first_sample_of(0, controls), 0u);
  EXPECT_EQ(first_sample_of(1, controls), 3u);
  EXPECT_EQ(first_sample_of(2, controls), 3u);
}

}  // namespace
}  // namespace cairn::training
