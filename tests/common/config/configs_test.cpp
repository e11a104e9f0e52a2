// Every job of configs/ loads.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "common/config/job_file.h"

namespace cairn {
namespace {

JobConfig load(const std::string& name) {
  setenv("CAIRN_DATA", "/data", 1);
  const JobFileResult result = load_job(std::string(CAIRN_SOURCE_DIR) + "/configs/" + name);
  EXPECT_TRUE(result.ok()) << to_string(result.diagnostics);
  return result.job;
}

TEST(Configs, EveryOneLoads) {
  size_t jobs = 0;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(CAIRN_SOURCE_DIR) + "/configs")) {
    if (entry.path().extension() != ".yaml") continue;
    load(entry.path().filename());
    ++jobs;
  }
  EXPECT_GE(jobs, 4u);
}

TEST(Configs, QuickstartStartsTwoServersOfTwoShardsAndTwoWorkers) {
  const JobConfig job = load("quickstart.yaml");
  EXPECT_EQ(job.output, "runs/quickstart");
  EXPECT_EQ(job.ps.servers, 2u);
  EXPECT_EQ(job.shards(), 4u);
  EXPECT_EQ(job.train.workers, 2u);
}

TEST(Configs, CensusHasThe39FeaturesOfItsData) {
  const JobConfig job = load("census.yaml");
  EXPECT_EQ(job.features.size(), 39u);
  EXPECT_EQ(job.tables.size(), 32u);
  EXPECT_EQ(job.tables[0].dim, 8u);
  EXPECT_EQ(job.model.experts, 6u);
  EXPECT_EQ(job.data.train[0], "/data/census/train.csv.gz");
}

}  // namespace
}  // namespace cairn
