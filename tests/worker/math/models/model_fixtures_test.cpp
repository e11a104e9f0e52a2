// A training step of whole models against what PyTorch computed in float64: see
// make_model_fixtures.py, which wrote the file and says what each model is.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "tests/worker/math/models/fixtures.h"
#include "worker/math/models/model.h"

namespace cairn::math {
namespace {

using Change = void (*)(ModelConfig&);

// From a model whose tasks are linear in what it is given.
ModelConfig plain() {
  ModelConfig config;
  config.interaction = Interaction::kNone;
  config.deep_units.clear();
  config.expert_units.clear();
  config.tasks.resize(2);
  config.tasks[0].name = "first";
  config.tasks[1].name = "second";
  return config;
}

void mmoe(ModelConfig& c) {
  c.head = Head::kMmoe;
  c.experts = 3;
  c.expert_units = {4};
}
void ple(ModelConfig& c) {
  c.head = Head::kPle;
  c.experts = 2;
  c.task_experts = 1;
  c.levels = 2;
  c.expert_units = {4};
}
void esmm(ModelConfig& c) {
  c.tasks[1].weight = 0.0f;
  c.tasks.push_back(
      {.name = "both", .loss = Loss::kBce, .weight = 0.7f, .product = {"first", "second"}});
}
void uncertainty(ModelConfig& c) {
  c.tasks[1].loss = Loss::kMse;
  c.task_weights = TaskWeights::kUncertainty;
}
void deepfm(ModelConfig& c) {
  c.interaction = Interaction::kFm;
  c.wide = true;
  c.deep_units = {4};
}
void dlrm(ModelConfig& c) {
  c.interaction = Interaction::kDot;
  c.structure = Structure::kStacked;
  c.bottom_units = {4};
  c.deep_units = {4};
}

const std::map<std::string, Change> kModels = {
    {"shared_bottom", [](ModelConfig& c) { c.expert_units = {4}; }},
    {"mmoe", mmoe},
    {"ple", ple},
    {"esmm", esmm},
    {"uncertainty", uncertainty},
    {"l2", [](ModelConfig& c) { c.l2 = 0.3f; }},
    {"wide", [](ModelConfig& c) { c.wide = true; }},
    {"deepfm", deepfm},
    {"dlrm", dlrm},
};

// The ids of make_model_fixtures.py.
struct Ids {
  std::vector<std::vector<uint32_t>> offsets = {{0, 2, 2, 3, 5, 6}, {0, 1, 2, 4, 5, 5}};
  std::vector<std::vector<uint32_t>> index = {{2, 0, 1, 3, 3, 0}, {1, 2, 0, 2, 3}};
  std::vector<ModelInput::Bag> bags() const {
    return {{offsets[0], index[0]}, {offsets[1], index[1]}};
  }
};

void expect_step_of_pytorch(const std::string& name, Change change, FixtureCase& fixture) {
  ModelConfig config = plain();
  change(config);
  ModelShape shape;
  shape.dense_columns = static_cast<uint32_t>(fixture["numbers"].cols);
  const bool has_ids = fixture.contains("table");
  if (has_ids) {
    shape.table_dims = {static_cast<uint32_t>(fixture["table"].cols)};
    shape.bags = {{0, Pooling::kSum}, {0, Pooling::kMean}};
  }
  const std::unique_ptr<Model> model = make_model(config, shape, 1).value();
  const std::vector<ParameterInfo>& parameters = model->parameters();
  EXPECT_FALSE(fixture.contains(numbered("in", parameters.size()))) << name;
  for (size_t i = 0; i < parameters.size(); ++i) {
    const std::vector<float>& values = fixture[numbered("in", i)].values;
    ASSERT_EQ(values.size(), parameters[i].size) << name << " " << parameters[i].name;
    std::ranges::copy(values, model->values().subspan(parameters[i].offset).begin());
  }

  const Ids ids;
  const std::vector<ModelInput::Bag> bags = has_ids ? ids.bags() : std::vector<ModelInput::Bag>();
  std::vector<std::span<const float>> tables;
  std::vector<std::vector<float>> table_grads;
  if (has_ids) {
    tables = {fixture["table"].values};
    table_grads.emplace_back(tables[0].size());
  }
  const size_t rows = fixture["numbers"].rows, tasks = config.tasks.size();
  std::vector<float> predictions(rows * tasks);
  std::vector<double> losses(tasks);
  const std::vector<std::span<float>> grads(table_grads.begin(), table_grads.end());
  model->train_step({.samples = rows,
                     .dense = fixture["numbers"].values,
                     .bags = bags,
                     .tables = tables,
                     .labels = fixture["labels"].values,
                     .loss_divisor = static_cast<double>(rows),
                     .step = 1},
                    {predictions, grads, losses});

  expect_close(fixture["predictions"].values, {predictions.data(), rows, tasks},
               name + " predictions");
  const std::vector<float> rounded(losses.begin(), losses.end());
  expect_close(fixture["losses"].values, {rounded.data(), 1, tasks}, name + " losses");
  if (has_ids)
    expect_close(fixture["dtable"].values, {table_grads[0].data(), 1, table_grads[0].size()},
                 name + " table");
  for (size_t i = 0; i < parameters.size(); ++i)
    expect_close(fixture[numbered("d", i)].values,
                 {model->gradients().data() + parameters[i].offset, 1, parameters[i].size},
                 name + " " + parameters[i].name);
}

TEST(ModelFixtures, StepsMatchPyTorch) {
  std::map<std::string, FixtureCase> cases = read_fixtures("models.txt");
  EXPECT_EQ(cases.size(), kModels.size());
  for (const auto& [name, change] : kModels) {
    ASSERT_TRUE(cases.contains(name)) << name;
    expect_step_of_pytorch(name, change, cases[name]);
  }
}

}  // namespace
}  // namespace cairn::math
