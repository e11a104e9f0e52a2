#include "worker/synthetic/generator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "tests/seed.h"
#include "tests/worker/data/data_folder.h"
#include "tests/worker/data/jobs.h"
#include "worker/data/columns.h"
#include "worker/data/text/decoded_file.h"

namespace cairn::synthetic {
namespace {

using testing::HasSubstr;

class GeneratorTest : public testing::Test {
 protected:
  GeneratorOptions options(LogLayout layout, const std::string& folder = "a") {
    GeneratorOptions options;
    options.layout = layout;
    options.train_path = folder_ / (folder + "/train");
    options.eval_path = folder_ / (folder + "/eval");
    options.train_samples = 3000;
    options.eval_samples = 20'000;
    options.cardinality = 1000;
    options.seed = test_seed();
    return options;
  }
  GeneratorReport generate_or_fail(const GeneratorOptions& options) {
    Result<GeneratorReport> report = generate(options);
    if (!report.ok()) ADD_FAILURE() << report.error().message;
    return report.ok() ? std::move(report).value() : GeneratorReport{};
  }
  // The evaluation file as the job sees it.
  features::Batch read_named(const GeneratorOptions& options) {
    FeatureConfig tags = data::feature("tags", {Transform::kHash});
    tags.separator = "|";
    JobConfig job =
        data::csv_job({options.eval_path},
                      {data::feature("user", {Transform::kInteger}), tags, data::feature("price"),
                       data::feature("age"), data::feature("timestamp", {Transform::kDayOfWeek})});
    job.model.tasks[0].column = "click";
    job.model.tasks.push_back(job.model.tasks[0]);
    job.model.tasks[1].column = "conversion";
    return data::read_all(job);
  }

  data::DataFolder folder_;
};

TEST_F(GeneratorTest, TheSameSeedGivesTheSameBytesAndAnotherOneOthers) {
  for (const LogLayout layout : {LogLayout::kNamed, LogLayout::kCriteo}) {
    GeneratorOptions first = options(layout, "a"), again = options(layout, "b");
    generate_or_fail(first);
    generate_or_fail(again);
    EXPECT_TRUE(data::read_text(first.train_path) == data::read_text(again.train_path));
    EXPECT_TRUE(data::read_text(first.eval_path) == data::read_text(again.eval_path));
    EXPECT_EQ(data::read_text(folder_ / "a/best.json"), data::read_text(folder_ / "b/best.json"));
    again.seed += 1;
    generate_or_fail(again);
    EXPECT_FALSE(data::read_text(first.train_path) == data::read_text(again.train_path));
  }
}

TEST_F(GeneratorTest, GzipHasTheSameTextAndNothingElseStaysBehind) {
  GeneratorOptions plain = options(LogLayout::kNamed, "a"),
                   packed = options(LogLayout::kNamed, "b");
  packed.train_path += ".gz";
  generate_or_fail(plain);
  generate_or_fail(packed);
  const Result<std::string> decoded = data::decoded_path(packed.train_path, folder_ / "cache");
  ASSERT_TRUE(decoded.ok()) << decoded.error().message;
  EXPECT_NE(decoded.value(), packed.train_path);
  EXPECT_TRUE(data::read_text(decoded.value()) == data::read_text(plain.train_path));
  size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_ / "b"))
    ++files;
  EXPECT_EQ(files, 3u);
}

TEST_F(GeneratorTest, TheNamedLayoutReadsBackWithTheRatesOfTheReport) {
  const GeneratorOptions made = options(LogLayout::kNamed);
  const GeneratorReport report = generate_or_fail(made);
  const features::Batch batch = read_named(made);
  ASSERT_EQ(batch.samples, made.eval_samples);
  EXPECT_EQ(batch.bad_samples, 0u);
  double clicks = 0, conversions = 0;
  for (uint32_t r = 0; r < batch.samples; ++r) {
    EXPECT_LE(batch.labels[2 * r + 1], batch.labels[2 * r]) << "a conversion without click";
    clicks += batch.labels[2 * r];
    conversions += batch.labels[2 * r + 1];
  }
  ASSERT_EQ(report.tasks.size(), 2u);
  EXPECT_NEAR(report.tasks[0].rate, clicks / batch.samples, 1e-12);
  EXPECT_NEAR(report.tasks[1].rate, conversions / batch.samples, 1e-12);
  EXPECT_NEAR(clicks / batch.samples, 0.25, 0.02);
  EXPECT_NEAR(conversions / clicks, 0.3, 0.04);
  EXPECT_EQ(batch.keys[2].size(), 7u) << "days of the week";
}

TEST_F(GeneratorTest, IdsFollowZipfsLaw) {
  const GeneratorOptions made = options(LogLayout::kNamed);
  generate_or_fail(made);
  const features::Batch batch = read_named(made);
  std::map<Key, double> counts;
  for (uint32_t r = 0; r < batch.samples; ++r) counts[data::keys_of(batch, 0, 0, r).at(0)] += 1;
  double total = 0;
  for (uint64_t k = 1; k <= made.cardinality; ++k)
    total += std::pow(static_cast<double>(k), -made.zipf_exponent);
  for (Key k = 0; k < 5; ++k) {
    const double expected =
        made.eval_samples * std::pow(static_cast<double>(k + 1), -made.zipf_exponent) / total;
    EXPECT_NEAR(counts[k], expected, 6 * std::sqrt(expected)) << k;
  }
  EXPECT_LT(counts.rbegin()->first, made.cardinality);
}

TEST_F(GeneratorTest, TheCriteoLayoutReadsBackThroughThePreset) {
  const GeneratorOptions made = options(LogLayout::kCriteo);
  const GeneratorReport report = generate_or_fail(made);
  JobConfig job =
      data::csv_job({made.eval_path}, {data::feature("I1"), data::feature("C1", {Transform::kHash}),
                                       data::feature("C11", {Transform::kHash})});
  job.data.format = DataFormat::kCriteo;
  job.model.tasks[0].column = "label";
  const features::Batch batch = data::read_all(job);
  ASSERT_EQ(batch.samples, made.eval_samples);
  double clicks = 0;
  for (const float label : batch.labels) clicks += label;
  ASSERT_EQ(report.tasks.size(), 1u);
  EXPECT_NEAR(report.tasks[0].rate, clicks / batch.samples, 1e-12);
  EXPECT_EQ(batch.keys[0].size(), 4u);
  EXPECT_GT(batch.keys[1].size(), 500u);
  EXPECT_LE(batch.keys[1].size(), 1000u);
}

TEST_F(GeneratorTest, BestScoresAreWorthLearningAndCloseToTheirExpectation) {
  for (const LogLayout layout : {LogLayout::kNamed, LogLayout::kCriteo})
    for (const BestScores& task : generate_or_fail(options(layout)).tasks) {
      EXPECT_GT(task.expected_auc, 0.78) << task.name;
      EXPECT_LT(task.expected_auc, 0.92) << task.name;
      EXPECT_NEAR(task.auc, task.expected_auc, 0.035) << task.name;
      EXPECT_NEAR(task.logloss, task.expected_logloss, 0.02) << task.name;
    }
}

TEST_F(GeneratorTest, TheJsonSaysWhatTheReportSays) {
  const GeneratorReport report = generate_or_fail(options(LogLayout::kNamed));
  EXPECT_EQ(report.best_path, folder_ / "a/best.json");
  const nlohmann::json json =
      nlohmann::json::parse(data::read_text(report.best_path), nullptr, false);
  ASSERT_EQ(json["tasks"].size(), 2u);
  for (size_t t = 0; t < 2; ++t) {
    EXPECT_EQ(json["tasks"][t]["name"], report.tasks[t].name);
    EXPECT_EQ(json["tasks"][t]["auc"].get<double>(), report.tasks[t].auc);
    EXPECT_EQ(json["tasks"][t]["logloss"].get<double>(), report.tasks[t].logloss);
  }
}

TEST_F(GeneratorTest, ImpossibleOptionsAndPlacesAreRefused) {
  const auto refusal = [](const GeneratorOptions& options) {
    const Result<GeneratorReport> report = generate(options);
    return report.ok() ? "none" : report.error().message;
  };
  GeneratorOptions wrong = options(LogLayout::kNamed);
  wrong.cardinality = kCardinalityMax + 1;
  EXPECT_THAT(refusal(wrong), HasSubstr("cardinality 100000001"));
  wrong = options(LogLayout::kNamed);
  wrong.zipf_exponent = std::nan("");
  EXPECT_THAT(refusal(wrong), HasSubstr("exponent"));
  wrong = options(LogLayout::kNamed);
  wrong.eval_path = wrong.train_path;
  EXPECT_THAT(refusal(wrong), HasSubstr("the same"));
  wrong = options(LogLayout::kNamed);
  wrong.train_path = folder_.write("file", "x") + "/train";
  EXPECT_THAT(refusal(wrong), HasSubstr("cannot create"));
}

}  // namespace
}  // namespace cairn::synthetic
