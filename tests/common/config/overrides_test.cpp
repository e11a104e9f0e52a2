#include "common/config/overrides.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/common/config/job_text.h"

namespace cairn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

JobConfig job_with_overrides(const std::vector<std::string>& overrides) {
  const JobFileResult result = parse_job(kJob, "job.yaml", overrides);
  EXPECT_TRUE(result.ok()) << to_string(result.diagnostics);
  return result.job;
}

TEST(Overrides, ReplaceValuesOfTheFile) {
  EXPECT_EQ(job_with_overrides({"train.batch_size=1e3"}).train.batch_size, 1000u);
  EXPECT_EQ(job_with_overrides({"features.1.dim=32"}).tables[0].dim, 32u);
  EXPECT_EQ(job_with_overrides({"model.tasks.0.label=rating > 3"}).model.tasks[0].threshold, 3.0);
  EXPECT_THAT(job_with_overrides({"data.train=[x, y]"}).data.train, ElementsAre("x", "y"));
}

TEST(Overrides, MakeBlocksThatTheFileLacks) {
  EXPECT_EQ(job_with_overrides({"train.optimizer.learning_rate=0.5"}).train.optimizer.learning_rate,
            0.5f);
  EXPECT_EQ(job_with_overrides({"ps={servers: 3}"}).ps.servers, 3u);
}

TEST(Overrides, TheLastOneWins) {
  EXPECT_EQ(job_with_overrides({"train.epochs=2", "train.epochs=3"}).train.epochs, 3u);
}

TEST(Overrides, MayMendAMistakeOfTheFile) {
  EXPECT_THAT(problems(job_with("workers: 2", "workers: two"), {"train.workers=2"}), ElementsAre());
}

TEST(Overrides, AreNamedInDiagnosticsWithTheirNumber) {
  EXPECT_THAT(
      problems(kJob, {"train.workers=none", "train.epoch=2", "features.7.dim=1",
                      "train.workers.x=1", "train", "=1", "output=[a", "train.epochs="}),
      ElementsAre("--set:1:15: train.workers: 'none' is not an integer; want an integer, 1 to 1024",
                  "--set:2:1: train.epoch: unknown key; did you mean 'epochs'?",
                  "--set:3:1: features.7.dim: there is no item '7' in a list of 2; want 0 to 1",
                  "--set:4:1: train.workers.x: what it is in is a single value; set that, or check "
                  "the path",
                  HasSubstr("--set:5:1: 'train' is not an override; "),
                  HasSubstr("--set:6:1: '=1' is not an override; "),
                  HasSubstr("--set:7:8: output: not YAML: "),
                  "--set:8:14: train.epochs: has no value; want an integer, 1 to 1000000"));
}

TEST(Overrides, ComeAfterTheFileInTheListOfProblems) {
  EXPECT_THAT(problems(job_with("workers: 2", "workers: two"), {"train.epochs=0"}),
              ElementsAre(HasSubstr("job.yaml:18:12: "), HasSubstr("--set:1:14: ")));
}

}  // namespace
}  // namespace cairn
