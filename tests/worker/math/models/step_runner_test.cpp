// The runner of steps with a model that is none of the job's: two towers, and a softmax over the
// samples of the batch. It shows that a network and an objective of another kind fit, and needs
// nothing of the runner. Source: Yi et al., "Sampling-Bias-Corrected Neural Modeling", RecSys 2019,
// without the correction.
#include "worker/math/models/step_runner.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>

#include "tests/seed.h"
#include "tests/worker/math/models/example.h"
#include "worker/math/autograd/functions.h"
#include "worker/math/autograd/tensor_functions.h"
#include "worker/math/nn/mlp.h"

namespace cairn::math {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr uint32_t kDim = 3;
constexpr size_t kSamples = 5;

// The first feature and the numbers describe the user, the second feature the item.
class TwoTowers final : public Network {
 public:
  TwoTowers(nn::Parameters& parameters, const ModelShape& shape)
      : user_(parameters, "user", shape.table_dims[0] + shape.dense_columns, {4},
              Activation::kTanh),
        item_(parameters, "item", shape.table_dims[1], {4}, Activation::kTanh) {
    user_.add_linear(parameters, "user.1", kDim);
    item_.add_linear(parameters, "item.1", kDim);
  }

  size_t row_weights() const override { return 0; }
  bool exchanges() const override { return false; }
  size_t encoding_dim() const override { return kDim; }

  Variable* encode(Tape& tape, const NetworkInput& batch) const override {
    const std::array parts = {pooled(tape, batch, 0), batch.numbers};
    return user_.forward(tape, autograd::concat(tape, parts));
  }
  std::span<Variable* const> forward(Tape& tape, const NetworkInput& batch) const override {
    const std::span<Variable*> both = tape.arena().array<Variable*>(2);
    both[0] = encode(tape, batch);
    both[1] = item_.forward(tape, pooled(tape, batch, 1));
    return both;
  }

 private:
  static Variable* pooled(Tape& tape, const NetworkInput& batch, size_t bag) {
    const std::array bags = {
        BagView{batch.input.bags[bag].offsets, batch.input.bags[bag].index, Pooling::kMean}};
    const std::array tables = {batch.tables[bag].vectors};
    return autograd::pooled_features(tape, batch.input.samples, bags, tables);
  }

  nn::Mlp user_, item_;
};

// Each sample's item against the items of all samples: the loss is log sum_j exp(u_i . v_j) -
// u_i . v_i, the prediction u_i . v_i.
class InBatchSoftmax final : public Objective {
 public:
  Sizes sizes() const override { return {.predictions = 1, .labels = 0, .losses = 1}; }
  bool exchanges() const override { return false; }

  void compute_losses(Tape& tape, const Staging::Step& step,
                      std::span<Variable* const> outputs) const override {
    constexpr std::array<size_t, 2> kSwapped = {1, 0};
    constexpr std::array<size_t, 1> kItems = {1};
    Variable* scores =
        autograd::matmul(tape, outputs[0], autograd::transpose(tape, outputs[1], kSwapped));
    Variable* sums =
        autograd::reduce(tape, Reduction::kSum, autograd::unary(tape, Unary::kExp, scores), kItems);
    Variable* own = own_scores(tape, outputs);
    Variable* losses =
        autograd::binary(tape, Binary::kSubtract, autograd::unary(tape, Unary::kLog, sums), own);
    for (size_t i = 0; i < step.input.samples; ++i) {
      step.results[i] = static_cast<const float*>(own->value.data)[i];
      *step.sums += static_cast<const float*>(losses->value.data)[i];
    }
    const Tensor share = make_tensor(tape.arena(), losses->value.shape, DType::kF32);
    fill(share, 1.0 / step.input.loss_divisor);
    tape.add_gradient(losses, share);
  }
  void predict(Tape& tape, std::span<Variable* const> outputs, Matrix predictions) const override {
    Variable* own = own_scores(tape, outputs);
    tape.ops().copy(Matrix(static_cast<float*>(own->value.data), predictions.rows, 1),
                    {predictions});
  }

 private:
  // [samples, 1]
  static Variable* own_scores(Tape& tape, std::span<Variable* const> outputs) {
    constexpr std::array<size_t, 1> kColumns = {1};
    return autograd::reduce(tape, Reduction::kSum,
                            autograd::binary(tape, Binary::kMultiply, outputs[0], outputs[1]),
                            kColumns);
  }
};

class TwoTowerTest : public testing::Test {
 protected:
  TwoTowerTest() {
    shape.table_dims = {4, 2};
    shape.bags = {{0, Pooling::kMean}, {1, Pooling::kMean}};
    shape.dense_columns = 2;
    ModelParts parts;
    parts.parameters = std::make_unique<nn::Parameters>(cpu_ops());
    parts.network = std::make_unique<TwoTowers>(*parts.parameters, shape);
    parts.objective = std::make_unique<InBatchSoftmax>();
    model = std::make_unique<StepRunner>(cpu_ops(), shape, std::move(parts),
                                         StepSettings{.seed = test_seed()});
    batch.emplace(shape, 0, kSamples, test_seed());
  }

  struct Step {
    std::vector<float> predictions = std::vector<float>(kSamples, kNan);
    std::vector<std::vector<float>> table_grads;
    double loss = kNan;
  };
  Step run() {
    Step step;
    for (const auto& table : batch->tables) step.table_grads.emplace_back(table.size(), kNan);
    const std::vector<std::span<float>> grads(step.table_grads.begin(), step.table_grads.end());
    model->train_step(batch->input(), {step.predictions, grads, std::span(&step.loss, 1)});
    return step;
  }
  // The slope of the loss in `at` by a central difference.
  float slope(float& at) {
    constexpr float kStep = 1.0f / 64;
    const float kept = at;
    at = kept + kStep;
    const double above = run().loss;
    at = kept - kStep;
    const double below = run().loss;
    at = kept;
    return static_cast<float>((above - below) / (2 * kStep));
  }

  ModelShape shape;
  std::unique_ptr<Model> model;
  std::optional<ExampleBatch> batch;
};

TEST_F(TwoTowerTest, GradientsAreTheSlopesOfTheLoss) {
  const Step step = run();
  const std::vector<float> gradients(model->gradients().begin(), model->gradients().end());
  for (const ParameterInfo& info : model->parameters())
    for (size_t i = info.offset; i < info.offset + info.size; ++i)
      EXPECT_NEAR(gradients[i], slope(model->values()[i]), 2e-3) << info.name << " " << i;
  for (size_t t = 0; t < step.table_grads.size(); ++t)
    for (size_t i = 0; i < step.table_grads[t].size(); ++i)
      EXPECT_NEAR(step.table_grads[t][i], slope(batch->tables[t][i]), 2e-3) << t << " " << i;
}

TEST_F(TwoTowerTest, PredictionsAreThoseOfTheStep) {
  std::vector<float> predictions(kSamples, kNan);
  model->predict(batch->input(), predictions);
  EXPECT_EQ(predictions, run().predictions);
}

TEST_F(TwoTowerTest, TheEncodingIsTheVectorOfTheUser) {
  std::vector<float> before(kSamples * kDim, kNan), after = before;
  model->encode(batch->input(), before);
  batch->tables[1][0] += 1.0f;  // a row of an item
  model->encode(batch->input(), after);
  EXPECT_EQ(after, before);
  batch->dense[0] += 1.0f;
  model->encode(batch->input(), after);
  EXPECT_NE(after, before);
}

TEST_F(TwoTowerTest, RowsThatTookNoPartHaveZeroGradients) {
  const Step step = run();  // the last row of each table is in no bag
  for (size_t t = 0; t < 2; ++t)
    for (size_t i = 0; i < shape.table_dims[t]; ++i)
      EXPECT_EQ(step.table_grads[t][step.table_grads[t].size() - 1 - i], 0.0f);
}

TEST_F(TwoTowerTest, InputsOfAnotherSizeEndTheProcess) {
  std::vector<float> predictions(kSamples + 1);
  EXPECT_DEATH(model->predict(batch->input(), predictions), "results are not");
  batch->dense.pop_back();
  EXPECT_DEATH(run(), "numbers are not");
}

}  // namespace
}  // namespace cairn::math
