#include "worker/math/models/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <barrier>
#include <cmath>
#include <thread>

#include "common/random.h"
#include "tests/seed.h"
#include "tests/worker/math/models/example.h"
#include "tests/worker/math/models/variations.h"
#include "worker/math/ops/ops.h"

namespace cairn::math {
namespace {

using testing::Each;

class ModelTest : public testing::TestWithParam<Variation> {
 protected:
  ModelTest() {
    GetParam().change(config, shape);
    model = make_model(config, shape, test_seed()).value();
    // Biases start at zero and scales at one, where too many wrong formulas agree.
    RandomStream random(test_seed(), 78);
    for (const ParameterInfo& info : model->parameters())
      if (info.trained && !info.decays)
        for (float& b : model->values().subspan(info.offset, info.size))
          b += 0.3f * random.next_normal();
  }

  ReferenceModel reference() const {
    ReferenceModel reference(config, shape, test_seed());
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

// Weights of rows, where losses take them.
void weigh(ExampleBatch& batch) {
  RandomStream random(test_seed(), 79);
  batch.weights.resize(batch.labels.size());
  for (float& w : batch.weights) w = 0.2f + random.next_float();
}

// Sums over threads, each of which is a worker, in rank order.
class ThreadPeers final : public Peers {
 public:
  struct Meeting {
    explicit Meeting(ptrdiff_t workers) : parts(static_cast<size_t>(workers)), together(workers) {}
    std::vector<std::vector<float>> parts;
    std::barrier<> together;
  };
  ThreadPeers(Meeting& meeting, size_t rank) : meeting_(meeting), rank_(rank) {}

  void sum(std::span<float> values) override {
    meeting_.parts[rank_].assign(values.begin(), values.end());
    meeting_.together.arrive_and_wait();
    std::ranges::fill(values, 0.0f);
    for (const std::vector<float>& part : meeting_.parts)
      for (size_t i = 0; i < values.size(); ++i) values[i] += part[i];
    meeting_.together.arrive_and_wait();
  }

 private:
  Meeting& meeting_;
  size_t rank_;
};

// Slopes of the objective in each element of `at`, which is part of the model or the input, by
// central differences.
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

// Float32 rounds each element relative to the largest terms of its sums: the whole is the measure,
// or `terms` where all of them may cancel.
template <typename Got, typename Want>
void expect_close(const Got& got, const Want& want, const std::string& what, double terms = 0.1) {
  ASSERT_EQ(got.size(), want.size()) << what;
  double largest = terms;
  for (const double w : want) largest = std::max(largest, std::abs(w));
  for (size_t i = 0; i < want.size(); ++i)
    EXPECT_NEAR(got[i], want[i], 3e-4 * largest) << what << " element " << i;
}

TEST_P(ModelTest, StepMatchesTheDoubleReference) {
  const size_t tasks = config.tasks.size();
  // Batches that come close to a ReLU's kink prove nothing: the next one is taken.
  for (uint64_t seed = test_seed();; ++seed) {
    ExampleBatch batch(shape, tasks, 12, seed);
    // The batch is a part of a global one, unless the parts must meet.
    if (!model->exchanges()) batch.divisor = 31;
    batch.first_sample = 1000;
    if (model->exchanges()) batch.first_sample = 0;
    weigh(batch);
    ReferenceModel reference = this->reference();
    ReferenceInput input = batch.reference();
    const Doubles predictions = reference.predict(input), losses = reference.losses(input);
    if (reference.closest_kink() < 1e-4) continue;

    const StepResult step = run_step(*model, batch, tasks);
    expect_close(step.predictions, predictions, "predictions");
    expect_close(step.losses, losses, "losses");
    // A bias that a batch normalization follows has a gradient of zero, the sum of terms of
    // about 1.
    const double terms = model->exchanges() ? 1.0 : 0.1;
    for (const ParameterInfo& info : model->parameters())
      if (info.trained)
        expect_close(std::span(step.gradients).subspan(info.offset, info.size),
                     slopes(reference, input, reference.parameters[info.name]), info.name, terms);
    for (size_t t = 0; t < input.tables.size(); ++t)
      expect_close(step.table_grads[t], slopes(reference, input, input.tables[t]),
                   "table " + std::to_string(t));
    return;
  }
}

TEST_P(ModelTest, PredictionsAreThoseOfTheStep) {
  if (config.dropout > 0 || config.normalization == Normalization::kBatch)
    GTEST_SKIP() << "this model predicts otherwise than it trains";
  const size_t tasks = config.tasks.size();
  ExampleBatch batch(shape, tasks, 9, test_seed());
  const StepResult step = run_step(*model, batch, tasks);
  std::vector<float> predictions(9 * tasks, NAN);
  model->predict(batch.input(), predictions);
  EXPECT_EQ(predictions, step.predictions);
}

TEST_P(ModelTest, EncodingsMatchTheDoubleReference) {
  if (config.dropout > 0 || config.normalization == Normalization::kBatch)
    GTEST_SKIP() << "this model predicts otherwise than it trains";
  ExampleBatch batch(shape, config.tasks.size(), 9, test_seed());
  std::vector<float> encodings(9 * model->encoding_dim(), NAN);
  model->encode(batch.input(), encodings);
  Doubles want;
  for (const Doubles& sample : reference().encode(batch.reference()))
    want.insert(want.end(), sample.begin(), sample.end());
  expect_close(encodings, want, "encodings");
}

TEST_P(ModelTest, NoRowsGiveZeroGradients) {
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

TEST_P(ModelTest, ThreeWorkersOfWhichOneHasNoRowsEqualOne) {
  const size_t tasks = config.tasks.size();
  ExampleBatch batch(shape, tasks, 12, test_seed());
  if (config.task_weights == TaskWeights::kFixed) weigh(batch);
  const std::vector<float> start(model->values().begin(), model->values().end());
  const StepResult whole = run_step(*model, batch, tasks);

  constexpr size_t kWorkers = 3, kFirst[] = {0, 5, 5}, kCount[] = {5, 0, 7};
  ThreadPeers::Meeting meeting(kWorkers);
  std::vector<StepResult> steps(kWorkers);
  std::vector<std::vector<float>> values(kWorkers);
  std::vector<std::thread> workers;
  for (size_t w = 0; w < kWorkers; ++w) {
    workers.emplace_back([&, w] {
      const auto twin = make_model(config, shape, test_seed()).value();
      std::ranges::copy(start, twin->values().begin());
      ThreadPeers peers(meeting, w);
      ExampleBatch part = batch.part(kFirst[w], kCount[w]);
      part.peers = &peers;
      steps[w] = run_step(*twin, part, tasks);
      values[w] = {twin->values().begin(), twin->values().end()};
    });
  }
  for (std::thread& worker : workers) worker.join();

  StepResult sum = steps[0];
  for (size_t w = 1; w < kWorkers; ++w) {
    const auto add = [](auto& to, const auto& from) {
      for (size_t i = 0; i < to.size(); ++i) to[i] += from[i];
    };
    add(sum.gradients, steps[w].gradients);
    add(sum.losses, steps[w].losses);
    for (size_t t = 0; t < sum.table_grads.size(); ++t)
      add(sum.table_grads[t], steps[w].table_grads[t]);
    sum.predictions.insert(sum.predictions.end(), steps[w].predictions.begin(),
                           steps[w].predictions.end());
    EXPECT_EQ(values[w], values[0]) << "statistics of worker " << w;
  }
  expect_close(sum.gradients, whole.gradients, "gradients");
  expect_close(sum.losses, whole.losses, "losses");
  expect_close(sum.predictions, whole.predictions, "predictions");
  expect_close(values[0], model->values(), "statistics");
  for (size_t t = 0; t < sum.table_grads.size(); ++t)
    expect_close(sum.table_grads[t], whole.table_grads[t], "table " + std::to_string(t));
}

// Rounding a factor to 8 bits moves each term by 2^-9 of itself; a ReLU near its kink turns over,
// and a norm over four units that are nearly equal magnifies it: the median of some batches counts.
TEST_P(ModelTest, ProductsInBf16StayCloseToFloat32) {
  if (!cpu_ops().multiplies_bf16()) GTEST_SKIP() << "this machine has no products in bf16";
  const size_t tasks = config.tasks.size();
  const auto apart = [](const auto& a, const auto& b) {
    double difference = 0, size = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      difference += (double{a[i]} - b[i]) * (double{a[i]} - b[i]);
      size += double{b[i]} * b[i];
    }
    return std::sqrt(difference / size);
  };
  constexpr size_t kDraws = 9;
  std::vector<double> predictions, losses, gradients;
  bool rounded = false;
  for (uint64_t draw = 0; draw < kDraws; ++draw) {
    const uint64_t seed = test_seed() + draw;
    const auto exact = make_model(config, shape, seed).value();
    const auto twin = make_model(config, shape, seed, "cpu", Precision::kBf16).value();
    std::ranges::copy(exact->values(), twin->values().begin());
    ExampleBatch batch(shape, tasks, 300, seed);
    const StepResult want = run_step(*exact, batch, tasks), got = run_step(*twin, batch, tasks);
    predictions.push_back(apart(got.predictions, want.predictions));
    losses.push_back(apart(got.losses, want.losses));
    gradients.push_back(apart(got.gradients, want.gradients));
    rounded = rounded || got.gradients != want.gradients;
  }
  const auto median = [](std::vector<double>& values) {
    std::ranges::sort(values);
    return values[kDraws / 2];
  };
  EXPECT_LT(median(predictions), 0.02);
  EXPECT_LT(median(losses), 0.02);
  EXPECT_LT(median(gradients), 0.3);
  // Without a deep tower there may be no product of more than one column.
  if (!config.deep_units.empty()) {
    EXPECT_TRUE(rounded) << "nothing was rounded";
  }
}

TEST_P(ModelTest, TheSameStepHasTheSameBitsOnAnyThread) {
  const size_t tasks = config.tasks.size();
  ExampleBatch batch(shape, tasks, 300, test_seed());
  const StepResult first = run_step(*model, batch, tasks);
  StepResult elsewhere;
  std::thread([&] {
    const auto twin = make_model(config, shape, test_seed()).value();
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

INSTANTIATE_TEST_SUITE_P(EveryModel, ModelTest, testing::ValuesIn(model_variations()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace cairn::math
