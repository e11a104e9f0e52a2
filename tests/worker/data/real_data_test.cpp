// The public data sets, where this machine has them: $CAIRN_DATA, or ../shared/data.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <set>

#include "tests/worker/data/data_folder.h"
#include "tests/worker/data/jobs.h"

namespace cairn::data {
namespace {

class RealDataTest : public testing::Test {
 protected:
  // Empty where there is none.
  static std::string folder_of(const std::string& name) {
    if (const char* named = std::getenv("CAIRN_DATA")) return std::string(named) + "/" + name;
    for (std::filesystem::path at = std::filesystem::current_path(); at.has_relative_path();
         at = at.parent_path())
      if (std::filesystem::exists(at / "shared/data" / name))
        return (at / "shared/data" / name).string();
    return {};
  }
  JobConfig job(const std::string& folder, std::vector<FeatureConfig> features,
                std::vector<std::string> labels) {
    JobConfig job = csv_job({folder + "/train.csv.gz"}, std::move(features));
    job.data.eval = {folder + "/eval.csv.gz"};
    job.data.cache = cache_ / "cache";
    job.data.readers = 16;
    job.model.tasks.clear();
    for (const std::string& label : labels) {
      TaskConfig task;
      task.name = task.column = label;
      job.model.tasks.push_back(task);
    }
    return job;
  }

  DataFolder cache_;
};

TEST_F(RealDataTest, CensusHasItsSamplesAndRates) {
  const std::string folder = folder_of("census");
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no census data; see CAIRN_DATA";
  const JobConfig config = job(folder,
                               {feature("age", {Transform::kLog1p, Transform::kStandardize}),
                                feature("education", {Transform::kHash})},
                               {"label_income_50k", "label_never_married"});
  const auto dataset = open_or_fail(config);
  ASSERT_TRUE(dataset);
  const features::Statistics statistics = dataset->merge(dataset->moments_of(0, 16));
  EXPECT_EQ(statistics.features.at("age").count, 69'833u);
  const auto source = start_or_fail(*dataset, {.batch_size = 512}, statistics);
  double samples = 0, income = 0, never_married = 0, age = 0, age_squares = 0;
  for (features::Batch batch = next_or_fail(*source); batch.samples > 0;
       batch = next_or_fail(*source)) {
    EXPECT_EQ(batch.bad_samples, 0u);
    samples += batch.samples;
    for (uint32_t r = 0; r < batch.samples; ++r) {
      income += batch.labels[2 * r];
      never_married += batch.labels[2 * r + 1];
      age += batch.dense[r];
      age_squares += batch.dense[r] * batch.dense[r];
    }
  }
  EXPECT_EQ(samples, 69'833);
  EXPECT_NEAR(dataset->samples_estimate(), samples, 0.05 * samples);
  EXPECT_NEAR(income / samples, 0.062, 0.001);
  EXPECT_NEAR(never_married / samples, 0.432, 0.005);
  EXPECT_NEAR(age / samples, 0.0, 1e-4);
  EXPECT_NEAR(age_squares / samples, 1.0, 1e-3);
}

TEST_F(RealDataTest, MovielensHasItsSamplesUsersAndGenres) {
  const std::string folder = folder_of("movielens");
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "no movielens data; see CAIRN_DATA";
  FeatureConfig genres = feature("genres", {Transform::kHash});
  genres.separator = "|";
  JobConfig config = job(folder,
                         {feature("user", {Transform::kInteger}), genres, feature("year"),
                          feature("timestamp", {Transform::kDayOfWeek})},
                         {"rating"});
  config.model.tasks[0].comparison = Comparison::kGreaterEqual;
  config.model.tasks[0].threshold = 4;
  const auto dataset = open_or_fail(config);
  ASSERT_TRUE(dataset);
  const auto source = start_or_fail(*dataset, {.batch_size = 4096});
  std::set<Key> users, all_genres;
  uint64_t samples = 0;
  for (features::Batch batch = next_or_fail(*source); batch.samples > 0;
       batch = next_or_fail(*source)) {
    EXPECT_EQ(batch.bad_samples, 0u);
    samples += batch.samples;
    users.insert(batch.keys[0].begin(), batch.keys[0].end());
    all_genres.insert(batch.keys[1].begin(), batch.keys[1].end());
    for (const Key day : batch.keys[2]) EXPECT_LT(day, 7u);
  }
  EXPECT_EQ(samples, 80'003u);
  EXPECT_EQ(users.size(), 671u);
  EXPECT_GE(all_genres.size(), 18u);
  EXPECT_LE(all_genres.size(), 20u);
}

}  // namespace
}  // namespace cairn::data
