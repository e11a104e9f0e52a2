#include "worker/training/run_result.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/common/temporary_folder.h"

namespace cairn::training {
namespace {

RunResult some_result() {
  return {
      .tasks = {{.name = "click",
                 .quality = {.samples = 50000, .auc = 0.78, .logloss = 0.45, .calibration = 1.003},
                 .best = {.auc = 0.79, .logloss = 0.44}},
                {.name = "rating",
                 .loss = Loss::kMse,
                 .quality = {.samples = 50000, .rmse = 0.875, .calibration = 0.99}}},
      .steps = 244,
      .samples = 1000000,
      .seconds = 32.0,
      .config_hash = "00ff"};
}

TEST(RunResult, IsWrittenAsTheDesignSays) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "result.json";
  ASSERT_TRUE(write_result(path, some_result()).ok());
  EXPECT_EQ(nlohmann::json::parse(std::ifstream(path)), nlohmann::json::parse(R"({
    "tasks": [{"name": "click", "samples": 50000, "auc": 0.78, "logloss": 0.45, "calibration": 1.003,
               "best": {"auc": 0.79, "logloss": 0.44}},
              {"name": "rating", "samples": 50000, "rmse": 0.875, "calibration": 0.99}],
    "steps": 244, "samples": 1000000, "seconds": 32.0, "samples_per_second": 31250.0, "bad_samples": 0,
    "restarts": 0, "server_restarts": 0, "lost_pushes": 0, "lost": [], "config_hash": "00ff"})"));
}

TEST(RunResult, WhatWasLostIsInTheFileAndInTheTable) {
  RunResult result = some_result();
  result.lost_pushes = 1200;
  result.lost.push_back({{"shard", 1}, {"file", "log-00000002"}, {"offset", 8192}});
  const TemporaryFolder folder;
  const auto path = folder.path() / "result.json";
  ASSERT_TRUE(write_result(path, result).ok());
  const auto json = nlohmann::json::parse(std::ifstream(path));
  EXPECT_EQ(json["lost_pushes"], 1200);
  EXPECT_EQ(json["lost"][0]["offset"], 8192);
  EXPECT_THAT(closing_table(result), testing::HasSubstr("1,200 acknowledged pushes LOST"));
}

TEST(RunResult, UndefinedQualityIsNullAndTextIsMadeUtf8) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "result.json";
  ASSERT_TRUE(write_result(path, {.tasks = {{.name = "a\xff"}}}).ok());
  const auto json = nlohmann::json::parse(std::ifstream(path));
  EXPECT_EQ(json["tasks"][0]["auc"], nullptr);
  EXPECT_EQ(json["samples_per_second"], 0.0);
}

TEST(ClosingTable, SetsTheBestBesideWhatWasReached) {
  EXPECT_EQ(closing_table(some_result()),
            "task    samples     AUC    best  logloss    best    RMSE  calibration\n"
            "click    50,000  0.7800  0.7900   0.4500  0.4400       -       1.0030\n"
            "rating   50,000       -       -        -       -  0.8750       0.9900\n"
            "trained on 1,000,000 samples in 0:32 (31,250 samples/s), 244 steps\n");
}

TEST(ClosingTable, SaysNothingOfTrainingWhereNoneWasDone) {
  RunResult result = some_result();
  result.samples = 0;
  EXPECT_THAT(closing_table(result), testing::Not(testing::HasSubstr("trained")));
  result = some_result();
  result.steps = 0;
  EXPECT_THAT(closing_table(result), testing::Not(testing::HasSubstr("trained")));
}

TEST(ClosingTable, LeavesOutColumnsThatNoTaskHas) {
  RunResult result = some_result();
  result.tasks.erase(result.tasks.begin());
  result.bad_samples = 5;
  result.restarts = 1;
  EXPECT_EQ(closing_table(result),
            "task    samples    RMSE  calibration\n"
            "rating   50,000  0.8750       0.9900\n"
            "trained on 1,000,000 samples in 0:32 (31,250 samples/s), 244 steps, 5 bad samples, 1 "
            "restarts\n");
}

}  // namespace
}  // namespace cairn::training
