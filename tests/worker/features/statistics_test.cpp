#include "worker/features/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "common/random.h"
#include "tests/seed.h"
#include "tests/worker/data/data_folder.h"
#include "tests/worker/data/jobs.h"

namespace cairn::features {
namespace {

// A file of numbers with missing and bad ones among them; `values` gets the good ones.
std::string numbers_file(const data::DataFolder& folder, std::vector<double>& values) {
  RandomStream random(test_seed(), 4);
  std::string text = "y,x\n";
  for (int i = 0; i < 3000; ++i) {
    const double x = 1e4 + 3 * random.next_normal();
    const uint64_t kind = random.next_below(10);
    const std::string number = std::to_string(x);
    if (kind > 1) values.push_back(std::stod(number));
    text += kind == 0 ? "1,\n" : kind == 1 ? "2," + number + "\n" : "1," + number + "\n";
  }
  return folder.write("numbers.csv", text);
}

TEST(Statistics, MatchATwoPassComputationOverGoodRowsAndPresentValues) {
  const data::DataFolder folder;
  std::vector<double> values;
  const JobConfig job = data::csv_job({numbers_file(folder, values)},
                                      {data::feature("x", {Transform::kStandardize})});
  const auto dataset = data::open_or_fail(job);
  ASSERT_TRUE(dataset);
  ASSERT_TRUE(dataset->needs_statistics());
  const Moments moments =
      dataset->merge(dataset->moments_of(0, dataset->readers())).features.at("x");

  double sum = 0, squares = 0;
  for (const double x : values) sum += x;
  const double mean = sum / static_cast<double>(values.size());
  for (const double x : values) squares += (x - mean) * (x - mean);
  EXPECT_EQ(moments.count, values.size());
  EXPECT_NEAR(moments.mean, mean, 1e-12 * mean);
  EXPECT_NEAR(moments.squares, squares, 1e-9 * squares);
}

TEST(Statistics, HaveTheSameBitsForEveryNumberOfWorkersAndSeed) {
  const data::DataFolder folder;
  std::vector<double> values;
  JobConfig job = data::csv_job({numbers_file(folder, values)},
                                {data::feature("x", {Transform::kLog1p, Transform::kStandardize})});
  const auto whole = data::open_or_fail(job);
  ASSERT_TRUE(whole);
  const Statistics expected = whole->merge(whole->moments_of(0, whole->readers()));
  for (const uint32_t workers : {2u, 3u, 4u}) {
    job.train.seed += 1;
    const auto dataset = data::open_or_fail(job);
    std::vector<Moments> partials;
    for (uint32_t w = 0; w < workers; ++w) {
      const data::ReaderRange own = data::readers_of(w, workers, dataset->readers());
      const std::vector<Moments> part = dataset->moments_of(own.first, own.last);
      partials.insert(partials.end(), part.begin(), part.end());
    }
    EXPECT_EQ(dataset->merge(partials), expected);
  }
}

TEST(Statistics, SurviveJsonBitForBit) {
  RandomStream random(test_seed(), 5);
  Statistics statistics;
  for (const char* name : {"a", "b \"quoted\""}) {
    Moments& moments = statistics.features[name];
    for (int i = 0; i < 100; ++i) moments.add(random.next_double());
  }
  const Result<Statistics> read = Statistics::from_json(statistics.to_json());
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(read.value(), statistics);
}

TEST(Statistics, RefuseJsonOfSomethingElse) {
  for (const char* text : {"", "[]", "{", R"({"a": 1})", R"({"a": {"count": 1, "mean": "x"}})"})
    EXPECT_FALSE(Statistics::from_json(text).ok()) << text;
}

TEST(Moments, OfEqualValuesHaveDeviationOne) {
  Moments moments;
  EXPECT_EQ(moments.deviation(), 1.0);
  for (int i = 0; i < 3; ++i) moments.add(0.1);
  EXPECT_EQ(moments.deviation(), 1.0);
}

}  // namespace
}  // namespace cairn::features
