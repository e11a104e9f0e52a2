#include "worker/models/recommender.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "common/random.h"
#include "tests/seed.h"
#include "tests/worker/models/example.h"
#include "tests/worker/models/variations.h"

namespace cairn {
namespace {

using testing::Each;

class RecommenderTest : public testing::TestWithParam<Variation> {
 protected:
  RecommenderTest() {
    GetParam().change(config, shape);
    model = make_model(config, shape, test_seed()).value();
    // Biases start at zero, where too many wrong formulas agree.
    RandomStream random(test_seed(), 78);
    for (const ParameterInfo& info : model->parameters())
      if (info.name.ends_with(".bias"))
        for (float& b : model->values().subspan(info.offset, info.size))
          b = 0.3f * random.next_normal();
  }

  ReferenceModel reference() const {
    ReferenceModel reference(config, shape);
    for (const ParameterInfo& info : model->parameters()) {
      const std::span<float> values = model->values().subspan(info.offset, info.size);
      reference.parameters[info.name] = {values.begin(), values.end()};
    }
    return reference;
  }

  ModelShape shape = example_shape();
  ModelConfig config = example_config();
  std::unique_ptr<Model> model;
};

// Of the objective, by central differences, in each element of `at`, which is part of the model or
// input.
Doubles slopes(const ReferenceModel& reference, const ReferenceInput& input, Doubles& at) {
  constexpr double kStep = 1e-6;
  Doubles slopes;
  for (double& element : at) {
    const double kept = element;
    element = kept + kStep;
    const double above = reference.objective(input);
    element = kept - kStep;
    const double below = reference.objective(input);
    element = kept;
    slopes.push_back((above - below) / (2 * kStep));
  }
  return slopes;
}

// Float32 rounds each element relative to the largest terms of its sums: the whole is the measure.
template <typename Got, typename Want>
void expect_close(const Got& got, const Want& want, const std::string& what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  double largest = 0.1;
  for (const double w : want) largest = std::max(largest, std::abs(w));
  for (size_t i = 0; i < want.size(); ++i)
    EXPECT_NEAR(got[i], want[i], 5e-5 * largest) << what << " element " << i;
}

TEST_P(RecommenderTest, StepMatchesTheDoubleReference) {
  const size_t tasks = config.tasks.size();
  // Batches that come close to a ReLU's kink prove nothing: the next one is taken.
  for (uint64_t seed = test_seed();; ++seed) {
    ExampleBatch batch(shape, tasks, 12, seed);
    batch.divisor = 31;  // of a global batch of which this is a part
    ReferenceModel reference = this->reference();
    ReferenceInput input = batch.reference();
    const Doubles predictions = reference.predict(input), losses = reference.losses(input);
    if (reference.closest_kink() < 1e-4) continue;

    const StepResult step = run_step(*model, batch, tasks);
    expect_close(step.predictions, predictions, "predictions");
    expect_close(step.losses, losses, "losses");
    for (const ParameterInfo& info : model->parameters())
      expect_close(std::span(step.gradients).subspan(info.offset, info.size),
                   slopes(reference, input, reference.parameters[info.name]), info.name);
    for (size_t t = 0; t < input.tables.size(); ++t)
      expect_close(step.table_grads[t], slopes(reference, input, input.tables[t]),
                   "table " + std::to_string(t));
    return;
  }
}

TEST_P(RecommenderTest, PredictionsAreThoseOfTheStep) {
  const size_t tasks = config.tasks.size();
  ExampleBatch batch(shape, tasks, 9, test_seed());
  const StepResult step = run_step(*model, batch, tasks);
  std::vector<float> predictions(9 * tasks, NAN);
  model->predict(batch.input(), predictions);
  EXPECT_EQ(predictions, step.predictions);
}

TEST_P(RecommenderTest, NoRowsGiveZeroGradients) {
  const size_t tasks = config.tasks.size();
  ExampleBatch full(shape, tasks, 5, test_seed());
  run_step(*model, full, tasks);
  ExampleBatch none = full.part(0, 0);
  const StepResult step = run_step(*model, none, tasks);
  EXPECT_THAT(step.gradients, Each(0.0f));
  EXPECT_THAT(step.losses, Each(0.0));
  for (const auto& grads : step.table_grads) EXPECT_THAT(grads, Each(0.0f));
  model->predict(none.input(), {});
}

TEST_P(RecommenderTest, GradientsOfThreeWorkersSumToThoseOfOne) {
  const size_t tasks = config.tasks.size();
  ExampleBatch batch(shape, tasks, 12, test_seed());
  const StepResult whole = run_step(*model, batch, tasks);
  std::vector<float> sum(whole.gradients.size());
  std::vector<std::vector<float>> table_sum;
  for (const auto& grads : whole.table_grads) table_sum.emplace_back(grads.size());
  std::vector<double> losses(tasks);
  for (size_t worker = 0; worker < 3; ++worker) {
    ExampleBatch part = batch.part(4 * worker, 4);
    const StepResult step = run_step(*model, part, tasks);
    for (size_t i = 0; i < sum.size(); ++i) sum[i] += step.gradients[i];
    for (size_t t = 0; t < tasks; ++t) losses[t] += step.losses[t];
    for (size_t t = 0; t < table_sum.size(); ++t)
      for (size_t i = 0; i < table_sum[t].size(); ++i) table_sum[t][i] += step.table_grads[t][i];
  }
  expect_close(sum, whole.gradients, "gradients");
  expect_close(losses, whole.losses, "losses");
  for (size_t t = 0; t < table_sum.size(); ++t)
    expect_close(table_sum[t], whole.table_grads[t], "table " + std::to_string(t));
}

TEST_P(RecommenderTest, TheSameStepHasTheSameBitsOnAnyThread) {
  const size_t tasks = config.tasks.size();
  ExampleBatch batch(shape, tasks, 300, test_seed());
  const StepResult first = run_step(*model, batch, tasks);
  StepResult elsewhere;
  std::thread([&] {
    const auto twin = make_model(config, shape, 0).value();
    std::ranges::copy(model->values(), twin->values().begin());
    ExampleBatch other(shape, tasks, 41, 1);  // which leaves other things in memory
    run_step(*twin, other, tasks);
    elsewhere = run_step(*twin, batch, tasks);
  }).join();
  EXPECT_EQ(first.predictions, elsewhere.predictions);
  EXPECT_EQ(first.losses, elsewhere.losses);
  EXPECT_EQ(first.gradients, elsewhere.gradients);
  EXPECT_EQ(first.table_grads, elsewhere.table_grads);
}

INSTANTIATE_TEST_SUITE_P(EveryModel, RecommenderTest, testing::ValuesIn(model_variations()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace cairn
