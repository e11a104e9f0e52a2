#include "worker/math/models/task_objective.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace cairn::math {
namespace {

double sigmoid(double z) { return 1.0 / (1.0 + std::exp(-z)); }

// Logits of two samples for tasks "click" and "conversion", and "both", their product.
class TaskObjectiveTest : public testing::Test {
 protected:
  TaskObjectiveTest() {
    config.tasks.resize(3);
    config.tasks[0].name = "click";
    config.tasks[1].name = "both";
    config.tasks[1].product = {"click", "conversion"};
    config.tasks[1].weight = 0.5f;
    config.tasks[2].name = "conversion";
    config.tasks[2].weight = 0.0f;
  }

  void run() {
    objective.emplace(parameters, config);
    parameters.allocate(1);
    parameters.begin_step();
    const size_t tasks = config.tasks.size();
    predictions.assign(2 * tasks, 0.0f);
    losses.assign(tasks, 0.0);
    Staging::Step step;
    step.input.samples = 2;
    step.input.labels = labels;
    step.input.loss_divisor = 4.0;  // the global batch is twice as large
    step.results = predictions;
    step.sums = losses.data();
    Tape tape(cpu_ops(), arena, Tape::Mode::kTraining);
    const std::array<Variable*, 2> all = {
        tape.input(Matrix(logits[0].data(), 2, 1), Matrix(gradients[0].data(), 2, 1)),
        tape.input(Matrix(logits[1].data(), 2, 1), Matrix(gradients[1].data(), 2, 1))};
    objective->compute_losses(tape, step, std::span(all).first(config.tasks.size() == 3 ? 2 : 1));
  }

  ModelConfig config;
  nn::Parameters parameters;
  std::optional<TaskObjective> objective;
  Arena arena;
  std::array<std::array<float, 2>, 2> logits = {{{0.5f, -1.0f}, {2.0f, 0.25f}}}, gradients;
  std::vector<float> labels = {1, 1, 1, 1, 0, 0}, predictions;
  std::vector<double> losses;
};

TEST_F(TaskObjectiveTest, LogitsBelongToTheTasksThatAreNoProducts) {
  EXPECT_EQ(tasks_with_logits(config), (std::vector<std::string>{"click", "conversion"}));
}

TEST_F(TaskObjectiveTest, AProductHasTheProbabilityOfAllItsFactors) {
  run();
  for (size_t i = 0; i < 2; ++i) {
    const double click = sigmoid(logits[0][i]), conversion = sigmoid(logits[1][i]);
    EXPECT_NEAR(predictions[3 * i], click, 1e-6);
    EXPECT_NEAR(predictions[3 * i + 1], click * conversion, 1e-6);
    EXPECT_NEAR(predictions[3 * i + 2], conversion, 1e-6);
  }
}

TEST_F(TaskObjectiveTest, LossesAreSumsAndGradientsAreWeighedAndDivided) {
  run();
  double click = 0, both = 0;
  for (size_t i = 0; i < 2; ++i) {
    const double a = sigmoid(logits[0][i]), b = sigmoid(logits[1][i]), y = labels[3 * i + 1];
    click -= std::log(a);  // both labels are 1
    both -= y > 0 ? std::log(a * b) : std::log(1 - a * b);
    const double slope =
        y > 0 ? -1 / (a * b) : 1 / (1 - a * b);  // derivative of the loss of "both" in a b
    EXPECT_NEAR(gradients[0][i], (1.0 * (a - 1) + 0.5 * slope * b * a * (1 - a)) / 4, 1e-6);
    EXPECT_NEAR(gradients[1][i], 0.5 * slope * a * b * (1 - b) / 4, 1e-6);  // 0 of its own loss
  }
  EXPECT_NEAR(losses[0], click, 1e-6);
  EXPECT_NEAR(losses[1], both, 1e-6);
}

TEST_F(TaskObjectiveTest, UncertaintyHalvesTheLossOfARegression) {
  config.tasks.resize(1);
  config.tasks[0].loss = Loss::kMse;
  config.task_weights = TaskWeights::kUncertainty;
  labels = {1, 0};
  run();
  ASSERT_EQ(parameters.infos().back().name, "uncertainty");
  const double first = logits[0][0] - 1.0, second = logits[0][1];
  EXPECT_NEAR(losses[0], first * first + second * second, 1e-6);
  EXPECT_NEAR(gradients[0][0], 0.5 * 2 * first / 4, 1e-6);
  // s / 2 of this worker's two samples of four, less half of exp(-s) times the loss, in s = 0.
  EXPECT_NEAR(parameters.gradients()[parameters.infos().back().offset],
              0.5 * 2 / 4 - 0.5 * losses[0] / 4, 1e-6);
}

TEST_F(TaskObjectiveTest, OnlyAPairwiseLossExchangesSums) {
  EXPECT_FALSE(TaskObjective(parameters, config).exchanges());
  config.tasks[0].loss = Loss::kPairwise;
  EXPECT_TRUE(TaskObjective(parameters, config).exchanges());
}

}  // namespace
}  // namespace cairn::math
