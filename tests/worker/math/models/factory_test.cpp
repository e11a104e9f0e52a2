#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/worker/math/models/example.h"
#include "worker/math/models/model.h"

namespace cairn::math {
namespace {

using testing::HasSubstr;

void expect_refused(const ModelConfig& config, const ModelShape& shape, const std::string& why) {
  const auto model = make_model(config, shape, 1);
  ASSERT_FALSE(model.ok()) << why;
  EXPECT_EQ(model.error().code, ErrorCode::kInvalidArgument);
  EXPECT_THAT(model.error().message, HasSubstr(why));
}

TEST(MakeModel, RefusesWhatCannotBeAModel) {
  const ModelConfig config = example_config();
  const ModelShape shape = example_shape();
  const auto with = [](auto value, auto change) {
    change(value);
    return value;
  };
  expect_refused(config, {}, "no input");
  expect_refused(with(config, [](auto& c) { c.tasks.clear(); }), shape, "no task");
  expect_refused(config, with(shape, [](auto& s) { s.table_dims[1] = 0; }), "dim 0");
  expect_refused(config, with(shape, [](auto& s) { s.bags[2].table = 2; }), "table 2 of 2");
  expect_refused(with(config, [](auto& c) { c.deep_units = {8, 0}; }), shape, "0 units");
  const ModelConfig mmoe = with(config, [](auto& c) { c.head = Head::kMmoe; });
  expect_refused(with(mmoe, [](auto& c) { c.experts = 0; }), shape, "0 experts, want 1 to 64");
  expect_refused(with(mmoe, [](auto& c) { c.experts = 65; }), shape, "65 experts");
  expect_refused(with(mmoe, [](auto& c) { c.expert_units.clear(); }), shape, "no layer");
}

TEST(MakeModel, RefusesAttentionOverWhatIsNoTarget) {
  ModelConfig config = example_config();
  ModelShape shape = example_shape();  // tables of dim 3 and 5
  shape.bags[0] = {0, Pooling::kAttention, 1};
  expect_refused(config, shape, "attention over ids of dim 3 with a target of dim 5");
  shape.bags[0].target = 3;
  expect_refused(config, shape, "no feature pooled otherwise");
  shape.bags[0].target = 0;
  expect_refused(config, shape, "no feature pooled otherwise");
  shape.bags[0].target = 2;
  config.attention_units = {4, 0};
  expect_refused(config, shape, "0 units");
  config.attention_units = {4};
  config.wide = true;
  config.tasks.resize(3);
  expect_refused(config, shape, "attention wants ids with vectors");
}

TEST(MakeModel, RefusesInteractionsThatTheShapeCannotHave) {
  const ModelShape shape = example_shape();  // tables of dim 3 and 5
  ModelConfig config = example_config();
  config.interaction = Interaction::kFm;
  expect_refused(config, shape, "want vectors of one dim, tables have 3 and 5");
  ModelShape numbers = shape;
  numbers.bags.clear();
  expect_refused(config, numbers, "want ids with vectors");
  config = example_config();
  config.wide = true;
  config.tasks.resize(4);
  expect_refused(config, shape, "a table has dim 3 for 4 tasks");
  config = example_config();
  config.cross_type = CrossType::kLowRank;
  config.cross_rank = 0;
  expect_refused(config, shape, "rank 0");
  config.cross_type = CrossType::kMixture;
  config.cross_rank = 2;
  config.cross_experts = 65;
  expect_refused(config, shape, "a mixture of 65 experts");
}

TEST(MakeModel, RefusesHeadsAndProductsThatCannotBe) {
  ModelConfig config = example_config();
  config.head = Head::kPle;
  config.levels = 0;
  expect_refused(config, example_shape(), "at least 1");
  config.levels = 1;
  config.task_experts = 31;
  expect_refused(config, example_shape(), "ple has 65 experts in a level, want at most 64");
  config = example_config();
  config.tasks[0].product = {"stars"};
  expect_refused(config, example_shape(), "'click' multiplies 'stars', which is no binary task");
  config.tasks[0].product = {"click"};
  expect_refused(config, example_shape(), "'click' multiplies 'click'");
}

TEST(MakeModel, RefusesADeviceThatThisBuildLacks) {
  EXPECT_EQ(make_model(example_config(), example_shape(), 1, "tpu").error().code,
            ErrorCode::kInvalidArgument);
}

TEST(MakeModel, NamesItsParameters) {
  ModelConfig config = example_config();
  config.head = Head::kMmoe;
  const auto model = make_model(config, example_shape(), 1).value();
  std::vector<std::string> names;
  for (const ParameterInfo& info : model->parameters()) names.push_back(info.name);
  EXPECT_THAT(names, testing::ElementsAre(
                         "cross.0.weight", "cross.0.bias", "cross.1.weight", "cross.1.bias",
                         "deep.0.weight", "deep.0.bias", "deep.1.weight", "deep.1.bias",
                         "head.experts.0.weight", "head.experts.0.bias", "head.gates.0.weight",
                         "head.gates.0.bias", "tower.click.0.weight", "tower.click.0.bias",
                         "tower.click.1.weight", "tower.click.1.bias", "tower.stars.0.weight",
                         "tower.stars.0.bias", "tower.stars.1.weight", "tower.stars.1.bias"));
  EXPECT_THAT(model->parameters()[8].shape, testing::ElementsAre(3, 6, 17));  // experts, units, in
}

TEST(MakeModel, WorkersThatBuildItAlikeStartAlike) {
  const auto one = make_model(example_config(), example_shape(), 5).value();
  const auto same = make_model(example_config(), example_shape(), 5).value();
  const auto other = make_model(example_config(), example_shape(), 6).value();
  EXPECT_TRUE(std::ranges::equal(one->values(), same->values()));
  EXPECT_FALSE(std::ranges::equal(one->values(), other->values()));
}

// The pieces fit: a model and its optimizer learn a rule that needs a product of two numbers.
TEST(MakeModel, ModelAndOptimizerLearn) {
  ModelShape shape;
  shape.dense_columns = 2;
  ModelConfig config = example_config();
  config.tasks.resize(1);
  const auto model = make_model(config, shape, 3).value();
  const auto adam = make_dense_optimizer({.learning_rate = 0.02f}, model->values().size()).value();
  double first = 0, last = 0;
  for (uint64_t step = 1; step <= 150; ++step) {
    ExampleBatch batch(shape, 1, 64, step);
    for (size_t r = 0; r < batch.samples; ++r)
      batch.labels[r] = batch.dense[2 * r] * batch.dense[2 * r + 1] > 0 ? 1.0f : 0.0f;
    const StepResult result = run_step(*model, batch, 1);
    adam->step(model->values(), model->gradients(), step);
    (step == 1 ? first : last) = result.losses[0];
  }
  EXPECT_GT(first, 0.5);
  EXPECT_LT(last, 0.2);
}

}  // namespace
}  // namespace cairn::math
