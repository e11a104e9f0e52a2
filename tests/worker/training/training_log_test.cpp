#include "worker/training/training_log.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/common/temporary_folder.h"

namespace cairn::training {
namespace {

using nlohmann::json;

TaskConfig task_named(const char* name, Loss loss) {
  TaskConfig task;
  task.name = name;
  task.loss = loss;
  return task;
}

class TrainingLogTest : public testing::Test {
 protected:
  std::vector<json> lines() const {
    std::vector<json> parsed;
    std::ifstream file(path);
    for (std::string line; std::getline(file, line);) parsed.push_back(json::parse(line));
    return parsed;
  }
  std::unique_ptr<TrainingLog> open() { return std::move(TrainingLog::open(path, tasks).value()); }

  const TemporaryFolder folder;
  const std::filesystem::path path = folder.path() / "metrics.jsonl";
  const std::vector<TaskConfig> tasks = {task_named("click", Loss::kBce),
                                         task_named("rating", Loss::kMse)};
};

TEST_F(TrainingLogTest, HasALineAReportAsSoonAsItIsWritten) {
  const auto log = open();
  ASSERT_TRUE(log->write(TrainReport{.step = 50,
                                     .epoch = 1,
                                     .done = 0.1,
                                     .samples = 1000,
                                     .seconds = 2.0,
                                     .samples_per_second = 500.0,
                                     .losses = {0.5, std::nan("")},
                                     .bad_samples = 2})
                  .ok());
  ASSERT_EQ(lines().size(), 1u);
  EXPECT_EQ(lines()[0], json::parse(R"({"kind": "train", "step": 50, "epoch": 1, "done": 0.1,
      "samples": 1000, "seconds": 2.0, "samples_per_second": 500.0, "bad_samples": 2,
      "loss": {"click": 0.5, "rating": null}})"));

  ASSERT_TRUE(
      log->write(evaluation::EvaluationReport{.step = 50,
                                  .epoch = 1,
                                  .seconds = 0.5,
                                  .qualities = {{.samples = 9, .logloss = 0.5},
                                                {.samples = 9, .rmse = 0.9, .calibration = 1.0}}})
          .ok());
  ASSERT_EQ(lines().size(), 2u);
  EXPECT_EQ(lines()[1],
            json::parse(R"({"kind": "evaluation", "step": 50, "epoch": 1, "seconds": 0.5,
      "tasks": {"click": {"samples": 9, "auc": null, "logloss": 0.5, "calibration": null},
                "rating": {"samples": 9, "rmse": 0.9, "calibration": 1.0}}})"));
}

TEST_F(TrainingLogTest, ResumedRunGoesOnAtTheEnd) {
  ASSERT_TRUE(open()->write(TrainReport{.step = 1, .losses = {}}).ok());
  ASSERT_TRUE(open()->write(TrainReport{.step = 2, .losses = {}}).ok());
  ASSERT_EQ(lines().size(), 2u);
  EXPECT_EQ(lines()[1]["step"], 2);
}

TEST_F(TrainingLogTest, FailuresNameTheFile) {
  const auto opened = TrainingLog::open(folder.path() / "none" / "metrics.jsonl", tasks);
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(opened.error().message.find("none/metrics.jsonl"), std::string::npos);

  const auto full = TrainingLog::open("/dev/full", tasks);
  ASSERT_TRUE(full.ok());
  const Status status = full.value()->write(TrainReport{});
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("/dev/full"), std::string::npos);
}

}  // namespace
}  // namespace cairn::training
