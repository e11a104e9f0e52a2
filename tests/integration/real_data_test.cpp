// The jobs in configs/ on real data: what they must reach. CAIRN_DATA names the folder with census/
// and movielens/.

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "tests/integration/small_job.h"

namespace cairn {
namespace {

class RealData : public testing::Test {
 protected:
  // result.json of the job, or nothing where its data is missing.
  nlohmann::json trained(const std::string& name, const std::string& precision = "f32") {
    const char* data = std::getenv("CAIRN_DATA");
    if (data == nullptr || !std::filesystem::exists(std::filesystem::path(data) / name)) return {};
    const Ran ran = run_cairn({"train", CAIRN_SOURCE "/configs/" + name + ".yaml", "--set",
                               "output=" + (folder.path() / precision).string(), "--set",
                               "metrics.port=0", "--set", "train.precision=" + precision});
    EXPECT_EQ(ran.exit_code, 0) << ran.err;
    return nlohmann::json::parse(read_file(folder.path() / precision / "result.json"));
  }
  static double figure(const nlohmann::json& result, const std::string& task,
                       const std::string& name) {
    for (const auto& entry : result.at("tasks"))
      if (entry.at("name") == task) return entry.at(name);
    return -1;
  }

  TemporaryFolder folder;
};

TEST_F(RealData, CensusReachesItsGoals) {
  const nlohmann::json result = trained("census");
  if (result.is_null()) GTEST_SKIP() << "CAIRN_DATA names no folder that holds census/";
  EXPECT_GE(figure(result, "income", "auc"), 0.945);
  EXPECT_GE(figure(result, "never_married", "auc"), 0.994);
}

// One seed; docs/benchmarks.md has three.
TEST_F(RealData, CensusLosesNothingToBf16) {
  const nlohmann::json f32 = trained("census");
  if (f32.is_null()) GTEST_SKIP() << "CAIRN_DATA names no folder that holds census/";
  const nlohmann::json bf16 = trained("census", "bf16");
  EXPECT_NEAR(figure(bf16, "income", "auc"), figure(f32, "income", "auc"), 0.0005);
  EXPECT_NEAR(figure(bf16, "never_married", "auc"), figure(f32, "never_married", "auc"), 0.0005);
}

TEST_F(RealData, MovielensReachesItsGoals) {
  const nlohmann::json result = trained("movielens");
  if (result.is_null()) GTEST_SKIP() << "CAIRN_DATA names no folder that holds movielens/";
  EXPECT_GE(figure(result, "like", "auc"), 0.797);
  EXPECT_LE(figure(result, "rating", "rmse"), 0.870);
}

}  // namespace
}  // namespace cairn
