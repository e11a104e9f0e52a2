#include "worker/evaluation/evaluation_pairs.h"

#include <gtest/gtest.h>

namespace cairn::evaluation {
namespace {

TEST(EvaluationPairs, TakesApartTheTasksOfARow) {
  EvaluationPairs pairs(2);
  pairs.add(std::vector<float>{0.1f, 0.2f, 0.3f, 0.4f}, std::vector<float>{1, 0, 0, 1});
  EXPECT_EQ(pairs.rows(), 2u);
  EXPECT_EQ(pairs.task(0), (std::vector<PredictionPair>{{0.1f, 1}, {0.3f, 0}}));
  EXPECT_EQ(pairs.task(1), (std::vector<PredictionPair>{{0.2f, 0}, {0.4f, 1}}));
}

TEST(EvaluationPairs, WorkersPairsMergeToThoseOfOne) {
  EvaluationPairs all(2), first(2), second(2), idle(2), merged(2);
  const std::vector<float> p1 = {0.1f, 0.2f, 0.3f, 0.4f}, p2 = {0.5f, 0.6f};
  const std::vector<float> l1 = {1, 0, 0, 1}, l2 = {0, 0};
  first.add(p1, l1);
  second.add(p2, l2);
  all.add(p1, l1);
  all.add(p2, l2);
  for (const EvaluationPairs* part : {&first, &idle, &second})
    ASSERT_TRUE(merged.merge(part->serialise()).ok());
  EXPECT_EQ(merged.task(0), all.task(0));
  EXPECT_EQ(merged.task(1), all.task(1));
}

TEST(EvaluationPairs, RefusesEveryTruncationAndOtherTasks) {
  EvaluationPairs pairs(2);
  pairs.add(std::vector<float>{0.1f, 0.2f, 0.3f, 0.4f}, std::vector<float>{1, 0, 0, 1});
  const std::string bytes = pairs.serialise();
  EvaluationPairs into(2);
  for (size_t length = 0; length < bytes.size(); ++length) {
    const Status status = into.merge(std::string_view(bytes).substr(0, length));
    ASSERT_FALSE(status.ok()) << length;
    EXPECT_EQ(status.error().code, ErrorCode::kCorrupt);
  }
  EXPECT_FALSE(into.merge(bytes + "x").ok());
  EXPECT_EQ(into.rows(), 0u);
  EXPECT_TRUE(into.merge(bytes).ok());
  EXPECT_FALSE(EvaluationPairs(1).merge(bytes).ok());
}

TEST(EvaluationPairs, RefusesACountWhoseBytesWouldOverflow) {
  EvaluationPairs into(2);
  std::string bytes = EvaluationPairs(2).serialise();
  bytes[4 + 7] = '\x10';  // rows: 2^60, times 16 bytes is 0 in 64 bits
  EXPECT_FALSE(into.merge(bytes).ok());
}

}  // namespace
}  // namespace cairn::evaluation
