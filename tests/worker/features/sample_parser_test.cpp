#include "worker/features/sample_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/worker/data/data_folder.h"
#include "tests/worker/data/jobs.h"

namespace cairn::features {
namespace {

using testing::ElementsAre;
using testing::FloatEq;
using testing::HasSubstr;

// One feature over the columns "a" and "b".
class SampleParserTest : public testing::Test {
 protected:
  void use(FeatureConfig feature, std::vector<Moments> moments = {}) {
    feature.name = "f";
    feature.table = "f";
    if (feature.columns.empty()) feature.columns = {"a"};
    job_.features = {feature};
    job_.model.tasks.clear();
    data::add_tables(job_);
    finish(std::move(moments));
  }
  void use_label(TaskConfig task) {
    task.column = "a";
    job_.features.clear();
    job_.model.tasks = {task};
    finish({});
  }
  void finish(std::vector<Moments> moments) {
    Result<Plan> plan = Plan::make(job_, true);
    ASSERT_TRUE(plan.ok()) << plan.error().message;
    plan_ = std::move(plan).value();
    parser_ = std::make_unique<SampleParser>(plan_, moments);
    samples_.clear(plan_.ids.size());
  }

  bool parse(std::string_view a, std::string_view b = "") {
    return parse(Cell::text(a), Cell::text(b));
  }
  bool parse(const Cell& a, const Cell& b = {}) {
    const Cell cells[] = {a, b};
    std::vector<uint32_t> places;
    for (const std::string& column : plan_.columns) places.push_back(column == "a" ? 0 : 1);
    return parser_->parse({cells, places}, samples_);
  }
  std::vector<Key> keys(std::string_view a, std::string_view b = "") {
    samples_.clear(plan_.ids.size());
    EXPECT_TRUE(parse(a, b)) << parser_->reason();
    return samples_.bags[0].keys;
  }
  float number(std::string_view a) {
    samples_.clear(0);
    EXPECT_TRUE(parse(a)) << parser_->reason();
    return samples_.dense.at(0);
  }
  std::string refusal(std::string_view a) { return parse(a) ? "none" : parser_->reason(); }

  JobConfig job_;
  Plan plan_;
  std::unique_ptr<SampleParser> parser_;
  SampleSet samples_;
};

FeatureConfig with(std::vector<Transform> transforms) {
  FeatureConfig feature;
  feature.transforms = std::move(transforms);
  return feature;
}

TEST_F(SampleParserTest, HashIsThatOfTheBytesAndMissingIsAValueOfItsOwn) {
  job_.data.missing = "?";
  use(with({Transform::kHash}));
  EXPECT_THAT(keys("abc"), ElementsAre(hash_string("abc")));
  EXPECT_THAT(keys(""), ElementsAre(hash_string("")));
  EXPECT_THAT(keys("?"), ElementsAre(hash_string("")));
}

TEST_F(SampleParserTest, IntegerIsTheNumberItselfModuloBuckets) {
  FeatureConfig feature = with({Transform::kInteger});
  use(feature);
  EXPECT_THAT(keys("42"), ElementsAre(42));
  EXPECT_THAT(keys("-1"), ElementsAre(~Key{0}));
  EXPECT_THAT(refusal("4.5"), HasSubstr("column 'a': '4.5' is not a whole number"));
  feature.num_buckets = 10;
  use(feature);
  EXPECT_THAT(keys("42"), ElementsAre(2));
}

TEST_F(SampleParserTest, BucketizeCountsTheBoundariesNotAbove) {
  FeatureConfig feature = with({Transform::kBucketize});
  feature.boundaries = {10, 20};
  use(feature);
  EXPECT_THAT(keys("9.9"), ElementsAre(0));
  EXPECT_THAT(keys("10"), ElementsAre(1));
  EXPECT_THAT(keys("25"), ElementsAre(2));
  EXPECT_THAT(keys(""), ElementsAre(hash_string("")));
  feature.transforms = {Transform::kLog1p, Transform::kBucketize};
  feature.boundaries = {1, 2};
  use(feature);
  EXPECT_THAT(keys("4"), ElementsAre(1));  // log 5 = 1.6
}

TEST_F(SampleParserTest, TimePartsAreOfUtc) {
  use(with({Transform::kHourOfDay}));
  EXPECT_THAT(keys("1700000000"), ElementsAre(22));  // Tuesday, 14 November 2023, 22:13:20
  use(with({Transform::kDayOfWeek}));
  EXPECT_THAT(keys("1700000000"), ElementsAre(1));
  EXPECT_THAT(refusal("1e30"), HasSubstr("out of range"));
}

TEST_F(SampleParserTest, CrossDependsOnEachColumnAndItsPlace) {
  FeatureConfig feature = with({Transform::kCross});
  feature.columns = {"a", "b"};
  use(feature);
  const std::vector<Key> key = keys("ab", "c");
  EXPECT_EQ(key.size(), 1u);
  EXPECT_EQ(keys("ab", "c"), key);
  EXPECT_NE(keys("a", "bc"), key);
  EXPECT_NE(keys("c", "ab"), key);
}

TEST_F(SampleParserTest, MultiValuedFieldsMakeBagsAndAnEmptyOneStaysEmpty) {
  FeatureConfig feature = with({Transform::kHash});
  feature.separator = "|";
  use(feature);
  EXPECT_THAT(keys("x|y|x"), ElementsAre(hash_string("x"), hash_string("y"), hash_string("x")));
  EXPECT_THAT(keys("|x||"), ElementsAre(hash_string("x")));
  EXPECT_THAT(keys(""), ElementsAre());
  EXPECT_THAT(samples_.bags[0].offsets, ElementsAre(0, 0));
}

TEST_F(SampleParserTest, AListIsForMultiValuedFeaturesAlone) {
  const std::string_view texts[] = {"x", "", "x|y"};
  const Cell list = Cell::texts(texts);
  FeatureConfig feature = with({Transform::kHash});
  use(feature);
  EXPECT_FALSE(parse(list));
  EXPECT_THAT(parser_->reason(), HasSubstr("column 'a': 'a list of 3' is not one finite value"));
  feature.separator = "|";
  use(feature);
  ASSERT_TRUE(parse(list));  // elements are not split again
  EXPECT_THAT(samples_.bags[0].keys, ElementsAre(hash_string("x"), hash_string("x|y")));
  use(FeatureConfig{});
  EXPECT_FALSE(parse(list));
  EXPECT_THAT(parser_->reason(), HasSubstr("is not a finite number"));
}

TEST_F(SampleParserTest, OneTypedCellOfAMultiValuedFeatureIsABagOfOne) {
  FeatureConfig feature = with({Transform::kInteger});
  feature.separator = "|";
  use(feature);
  ASSERT_TRUE(parse(Cell::integer(5)));
  EXPECT_THAT(samples_.bags[0].keys, ElementsAre(5));
}

TEST_F(SampleParserTest, ANumberCellThatIsNotFiniteMakesTheSampleBad) {
  const Cell nan = Cell::number(std::nan(""));
  use(FeatureConfig{});
  EXPECT_FALSE(parse(nan));
  EXPECT_THAT(parser_->reason(), HasSubstr("column 'a': 'nan' is not a finite number"));
  FeatureConfig cross = with({Transform::kCross});
  cross.columns = {"a", "b"};
  use(cross);
  EXPECT_FALSE(parse(Cell::integer(1), nan));
  EXPECT_THAT(parser_->reason(), HasSubstr("column 'b': 'nan' is not one finite value"));
  job_.data.missing = "nan";
  use(FeatureConfig{});
  EXPECT_TRUE(parse(nan));
}

TEST_F(SampleParserTest, LabelsAndWeightsComeFromIntegersAndNumbers) {
  TaskConfig task;
  task.sample_weight = "b";
  use_label(task);
  ASSERT_TRUE(parse(Cell::integer(1), Cell::number(0.5)));
  ASSERT_TRUE(parse(Cell::number(0), Cell::id(2)));
  EXPECT_THAT(samples_.labels, ElementsAre(1, 0));
  EXPECT_THAT(samples_.weights, ElementsAre(0.5, 2));
  EXPECT_FALSE(parse(Cell::integer(2), Cell::number(1)));
  EXPECT_THAT(parser_->reason(), HasSubstr("label 'a': '2' is neither 0 nor 1"));
  EXPECT_FALSE(parse(Cell(), Cell::number(1)));
  EXPECT_THAT(parser_->reason(), HasSubstr("label 'a': '' is missing"));
}

TEST_F(SampleParserTest, NumbersTakeLogarithmsAndTheMissingOneItsValue) {
  FeatureConfig feature;
  feature.missing_value = 3;
  use(feature);
  EXPECT_EQ(number("1.5"), 1.5f);
  EXPECT_EQ(number(""), 3.0f);
  feature.transforms = {Transform::kLog1p};
  use(feature);
  EXPECT_THAT(number("9"), FloatEq(std::log(10.0f)));
  EXPECT_EQ(number("-7"), 0.0f);
  EXPECT_THAT(number(""), FloatEq(std::log(4.0f)));
}

TEST_F(SampleParserTest, StandardizedNumbersAreDistancesFromTheMeanAndMissingIsTheMean) {
  FeatureConfig feature = with({Transform::kStandardize});
  feature.missing_value = 99;
  Moments moments;
  for (const double x : {2.0, 4.0}) moments.add(x);  // mean 3, deviation 1
  use(feature, {moments});
  EXPECT_EQ(number("5"), 2.0f);
  EXPECT_EQ(number(""), 0.0f);
}

TEST_F(SampleParserTest, WhatIsNoFiniteNumberMakesTheSampleBad) {
  use(FeatureConfig{});
  for (const char* text : {"nan", "inf", "-inf", "1e50", "x"})
    EXPECT_THAT(refusal(text), HasSubstr("column 'a'")) << text;
}

TEST_F(SampleParserTest, ABadSampleLeavesNothingBehind) {
  job_.features = {data::feature("a", {Transform::kHash}),
                   data::feature("b", {Transform::kInteger}), data::feature("a")};
  data::add_tables(job_);
  finish({});
  ASSERT_TRUE(parse("1", "2"));
  ASSERT_FALSE(parse("3", "bad"));
  ASSERT_FALSE(parse("bad", "4"));
  EXPECT_EQ(samples_.samples, 1u);
  EXPECT_THAT(samples_.dense, ElementsAre(1.0f));
  for (const SampleSet::Bag& bag : samples_.bags) {
    EXPECT_EQ(bag.keys.size(), 1u);
    EXPECT_THAT(bag.offsets, ElementsAre(0, 1));
  }
}

TEST_F(SampleParserTest, LabelsCompareOrMustBeZeroOrOneOrAnyNumber) {
  const auto label = [&](std::string_view text) {
    samples_.clear(0);
    return parse(text) ? std::to_string(static_cast<int>(samples_.labels.at(0) * 10))
                       : parser_->reason();
  };
  TaskConfig task;
  use_label(task);
  EXPECT_EQ(label("1"), "10");
  EXPECT_THAT(label("0.5"), HasSubstr("neither 0 nor 1"));
  EXPECT_THAT(label(""), HasSubstr("is missing"));
  EXPECT_THAT(label("nan"), HasSubstr("not a finite number"));
  task.loss = Loss::kMse;
  use_label(task);
  EXPECT_EQ(label("3.5"), "35");
  task.loss = Loss::kBce;
  task.threshold = 4;
  const std::pair<Comparison, std::string> expected[] = {{Comparison::kGreaterEqual, "0 10 10"},
                                                         {Comparison::kGreater, "0 0 10"},
                                                         {Comparison::kLessEqual, "10 10 0"},
                                                         {Comparison::kLess, "10 0 0"},
                                                         {Comparison::kEqual, "0 10 0"}};
  for (const auto& [comparison, answer] : expected) {
    task.comparison = comparison;
    use_label(task);
    EXPECT_EQ(label("3.5") + " " + label("4") + " " + label("4.5"), answer);
  }
}

TEST_F(SampleParserTest, WeightsOfSamplesAreNumbersOfZeroOrMore) {
  TaskConfig task;
  task.sample_weight = "b";
  use_label(task);
  ASSERT_TRUE(parse("1", "2.5"));
  ASSERT_TRUE(parse("0", "0"));
  for (const char* bad : {"-1", "", "x", "1e99"}) {
    EXPECT_FALSE(parse("1", bad));
    EXPECT_THAT(parser_->reason(), HasSubstr("weight 'b'"));
  }
  EXPECT_EQ(samples_.weights, (std::vector<float>{2.5f, 0.0f}));
  EXPECT_EQ(samples_.labels.size(), 2u);
}

TEST(PlanTest, RefusesTransformsThatDoNotFitTogether) {
  const auto refusal = [](const FeatureConfig& f) {
    JobConfig job;
    job.features = {f};
    job.features[0].name = job.features[0].table = "f";
    data::add_tables(job);
    const Result<Plan> plan = Plan::make(job, false);
    return plan.ok() ? "none" : plan.error().message;
  };
  EXPECT_THAT(refusal(with({Transform::kHash, Transform::kLog1p})), HasSubstr("comes last"));
  EXPECT_THAT(refusal(with({Transform::kCross})), HasSubstr("two columns"));
  EXPECT_THAT(refusal(with({Transform::kLog1p, Transform::kHash})), HasSubstr("only integer"));
  FeatureConfig list = with({});
  list.separator = "|";
  EXPECT_THAT(refusal(list), HasSubstr("multi-valued"));
  FeatureConfig two = with({Transform::kHash});
  two.columns = {"a", "b"};
  EXPECT_THAT(refusal(two), HasSubstr("one column"));
}

}  // namespace
}  // namespace cairn::features
