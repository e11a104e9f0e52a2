#include "worker/version/model_definition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/version/small_definition.h"

namespace cairn::version {
namespace {

using testing::ElementsAre;

TEST(ModelDefinition, HasTheShapeOfTheJobsFeatures) {
  JobConfig job = small_job();
  FeatureConfig history = job.features[2];
  history.name = "history";
  history.pooling = Pooling::kAttention;
  history.target = "city";
  job.features.insert(job.features.begin(), history);
  const auto definition = ModelDefinition::make(job).value();
  EXPECT_THAT(definition->shape.table_dims, ElementsAre(4));
  EXPECT_EQ(definition->shape.dense_columns, 2u);
  ASSERT_EQ(definition->shape.bags.size(), 2u);
  EXPECT_EQ(definition->shape.bags[0].table, 0u);
  EXPECT_EQ(definition->shape.bags[0].pooling, Pooling::kAttention);
  EXPECT_EQ(definition->shape.bags[0].target, 1u) << "city is the second of the id features";
  EXPECT_TRUE(definition->features.tasks.empty()) << "an answer needs no labels";
}

TEST(ModelDefinition, LaysParametersOutAsTheModelDoes) {
  const auto definition = small_definition();
  const auto model =
      math::make_model(definition->config, definition->shape, definition->seed).value();
  EXPECT_EQ(definition->floats, model->values().size());
  ASSERT_EQ(definition->parameters.size(), model->parameters().size());
  for (size_t i = 0; i < definition->parameters.size(); ++i) {
    EXPECT_EQ(definition->parameters[i].name, model->parameters()[i].name);
    EXPECT_EQ(definition->parameters[i].offset, model->parameters()[i].offset);
  }
}

TEST(ModelDefinition, RefusesFeaturesThatDoNotFitTogether) {
  JobConfig job = small_job();
  job.features[0].separator = "|";
  const auto refused = ModelDefinition::make(job);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace cairn::version
