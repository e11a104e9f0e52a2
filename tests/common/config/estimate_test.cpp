#include "common/config/estimate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cairn {
namespace {

// 26 ids of dim 16 and 13 numbers; three cross layers, deep 1024-512-256, four experts, two towers.
JobConfig yardstick() {
  JobConfig job;
  job.features.resize(13);
  for (int i = 0; i < 26; ++i) {
    const std::string name = std::to_string(i);
    job.features.emplace_back().transforms = {Transform::kHash};
    job.features.back().table = name;
    job.tables.emplace_back().name = name;
  }
  job.model.deep_units = {1024, 512, 256};
  job.model.head = Head::kMmoe;
  job.model.expert_units = {256};
  job.model.tower_units = {64};
  job.model.tasks.resize(2);
  return job;
}

TEST(Estimate, CountsParametersAndOperationsOfTheModel) {
  const JobEstimate estimated = estimate(yardstick(), 0);
  EXPECT_EQ(estimated.input_width, 429u);
  const uint64_t cross = 3 * (429 * 429 + 429);
  const uint64_t deep = 429 * 1024 + 1024 + 1024 * 512 + 512 + 512 * 256 + 256;
  const uint64_t experts = 4 * (685 * 256 + 256), gates = 2 * (685 * 4 + 4);
  const uint64_t towers = 2 * (256 * 64 + 64 + 64 + 1);
  EXPECT_EQ(estimated.dense_parameters, cross + deep + experts + gates + towers);
  EXPECT_NEAR(estimated.flops_per_sample, 14.3e6, 0.05e6);
}

TEST(Estimate, CountsEveryKindOfInteractionAndHead) {
  JobConfig job = yardstick();
  job.model.interaction = Interaction::kDot;
  job.model.structure = Structure::kStacked;
  job.model.deep_units = {32};
  job.model.head = Head::kPle;
  job.model.levels = 2;
  job.model.experts = 3;
  job.model.task_experts = 1;
  job.model.expert_units = {8};
  job.model.tower_units = {};
  const uint64_t bottom = 13 * 64 + 64 + 64 * 16 + 16, dots = 16 + 27 * 26 / 2;
  const uint64_t deep = dots * 32 + 32;
  const uint64_t first = 2 * (32 * 4 + 4) + 32 * 5 + 5 + 5 * (32 * 8 + 8);
  const uint64_t second = 2 * (8 * 4 + 4) + 5 * (8 * 8 + 8);
  EXPECT_EQ(estimate(job, 0).dense_parameters, bottom + deep + first + second + 2 * 9);

  job.model.interaction = Interaction::kFm;
  job.model.structure = Structure::kParallel;
  job.model.wide = true;
  job.model.deep_units.clear();
  EXPECT_EQ(estimate(job, 0).input_width, 26u * 14 + 13);
  EXPECT_EQ(estimate(job, 0).dense_parameters, 2u * 13 + 13 * 14 + 2);
}

TEST(Estimate, CountsTheLayersOfAttention) {
  JobConfig job = yardstick();
  const uint64_t without = estimate(job, 0).dense_parameters;
  job.features.back().pooling = Pooling::kAttention;
  EXPECT_EQ(estimate(job, 0).dense_parameters - without, 64u * 36 + 36 + 36 + 1);
}

TEST(Estimate, RowsHoldWeightsAndOptimizerState) {
  const std::pair<const char*, uint64_t> state[] = {
      {"sgd", 0},   {"momentum", 16},     {"adagrad", 16}, {"rowwise_adagrad", 1},
      {"adam", 32}, {"rowwise_adam", 17}, {"amsgrad", 48}, {"ftrl", 32}};
  JobConfig job = yardstick();
  for (size_t i = 0; i < std::size(state); ++i) job.tables[i].optimizer.name = state[i].first;
  const JobEstimate estimated = estimate(job, 0);
  for (size_t i = 0; i < std::size(state); ++i)
    EXPECT_EQ(estimated.tables[i].row_bytes, 44 + 4 * (16 + state[i].second)) << state[i].first;
  job.tables[4].dtype = ValueType::kBfloat16;
  EXPECT_EQ(estimate(job, 0).tables[4].row_bytes, 44u + 2 * 16 + 4 * 32);
}

TEST(Estimate, AutomaticMemoryIsAQuarterOverTheShards) {
  JobConfig job = yardstick();
  job.ps.servers = 2;
  job.ps.shards_per_server = 2;
  EXPECT_EQ(estimate(job, uint64_t{16} << 30).hot_bytes, uint64_t{1} << 30);
  job.ps.hot_bytes = 1 << 20;
  EXPECT_EQ(estimate(job, uint64_t{16} << 30).hot_bytes_all, uint64_t{4} << 20);
}

TEST(Estimate, WarnsWhereDenseParametersExceedMemory) {
  JobConfig job = yardstick();
  EXPECT_THAT(estimate(job, uint64_t{16} << 30).text(),
              testing::Not(testing::HasSubstr("warning")));
  job.model.deep_units = {65'536, 65'536, 65'536};
  EXPECT_THAT(estimate(job, uint64_t{16} << 30).text(),
              testing::HasSubstr("warning   dense parameters of 2 workers need"));
}

TEST(Estimate, SaysWhatWouldStart) {
  EXPECT_THAT(estimate(yardstick(), uint64_t{16} << 30).text(),
              testing::HasSubstr("1 server process with 1 shard in all, 2 workers"));
}

}  // namespace
}  // namespace cairn
