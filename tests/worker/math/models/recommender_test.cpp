#include "worker/math/models/recommender.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/seed.h"
#include "tests/worker/math/models/example.h"
#include "tests/worker/math/models/twins.h"
#include "tests/worker/math/models/variations.h"
#include "tests/worker/math/ops/backends.h"
#include "worker/math/device/host_device.h"
#include "worker/math/models/task_objective.h"

namespace cairn::math {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr size_t kSamples = 9;

// The part of a model behind its encoding, built anew, with the parameters of that model.
class HeadsOf {
 public:
  HeadsOf(Model& model, const ModelConfig& config, const Ops& ops)
      : ops_(ops),
        arena_(ops.memory()),
        parameters_(ops),
        logits_(tasks_with_logits(config).size()),
        heads_(parameters_, config, tasks_with_logits(config), model.encoding_dim()),
        objective_(parameters_, config) {
    parameters_.allocate(0);
    std::vector<float> all(model.values().size()), own(parameters_.values().size());
    model.memory().read(std::span(all), model.values().data());
    for (const ParameterInfo& info : parameters_.infos()) {
      const auto from = std::ranges::find(model.parameters(), info.name, &ParameterInfo::name);
      std::copy_n(all.begin() + static_cast<ptrdiff_t>(from->offset), info.size,
                  own.begin() + static_cast<ptrdiff_t>(info.offset));
    }
    ops.memory().write(parameters_.values().data(), std::span<const float>(own));
  }

  std::vector<float> predict(std::span<const float> encodings, size_t dim) {
    const Matrix x = arena_.matrix(kSamples, dim);
    ops_.memory().write(x.data, encodings);
    Tape tape(ops_, arena_, Tape::Mode::kInference);
    std::vector<Variable*> logits(logits_);
    heads_.forward(tape, tape.constant(x), logits);
    std::vector<float> predictions(kSamples * objective_.sizes().predictions);
    const Matrix into = arena_.matrix(kSamples, objective_.sizes().predictions);
    objective_.predict(tape, logits, into);
    ops_.memory().read(std::span(predictions), into.data);
    return predictions;
  }

 private:
  const Ops& ops_;
  Arena arena_;
  nn::Parameters parameters_;
  size_t logits_;
  nn::Heads heads_;
  TaskObjective objective_;
};

class RecommenderTest : public testing::TestWithParam<std::tuple<const Ops*, Variation>> {
 protected:
  RecommenderTest() {
    std::get<1>(GetParam()).change(config, shape);
    model = make_model(config, shape, test_seed(), ops).value();
  }

  HostDevice device{HostDevice::Order::kAnyOrder, test_seed()};
  const Ops& ops = *std::get<0>(GetParam());
  ModelShape shape = example_shape();
  ModelConfig config = example_config();
  std::unique_ptr<Model> model;
};

TEST_P(RecommenderTest, HeadsOverTheEncodingGiveThePredictions) {
  ExampleBatch batch(shape, config.tasks.size(), kSamples, test_seed());
  std::vector<float> encodings(kSamples * model->encoding_dim(), kNan);
  model->encode(batch.input(), encodings);
  EXPECT_EQ(std::ranges::count_if(encodings, [](float x) { return x != x; }), 0);
  if (config.wide ||
      (config.interaction == Interaction::kFm && config.structure == Structure::kParallel))
    GTEST_SKIP() << "a part of this model bypasses the heads";

  std::vector<float> want(kSamples * config.tasks.size(), kNan);
  model->predict(batch.input(), want);
  HeadsOf heads(*model, config, ops);
  const std::vector<float> got = heads.predict(encodings, model->encoding_dim());
  if (&ops == &cpu_ops())
    EXPECT_EQ(got, want);
  else
    expect_close(got, want, "predictions", 2e-5);
}

INSTANTIATE_TEST_SUITE_P(EveryModel, RecommenderTest,
                         testing::Combine(testing::ValuesIn(backends_in_this_build()),
                                          testing::ValuesIn(model_variations())),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param)->name) +
                                  std::get<1>(info.param).name;
                         });

// Without heads the encoding is x0: the pooled vectors of the ids, then the numbers.
TEST(Recommender, TheEncodingOfAModelWithoutHeadsIsItsInput) {
  ModelConfig config = example_config();
  config.interaction = Interaction::kNone;
  config.wide = true;
  config.deep_units.clear();
  ModelShape shape;
  shape.table_dims = {4};  // two weights, and a vector of two
  shape.bags = {{0, Pooling::kSum}};
  shape.dense_columns = 1;
  const auto model = make_model(config, shape, test_seed()).value();
  ASSERT_EQ(model->encoding_dim(), 3u);
  ExampleBatch batch(shape, 2, 2, test_seed());
  batch.tables = {{9, 9, 1, 2, 9, 9, 10, 20}};
  batch.bags = {{{0, 1}, {1}}};
  batch.dense = {5, 6};
  std::vector<float> encodings(6);
  model->encode(batch.input(), encodings);
  EXPECT_EQ(encodings, (std::vector<float>{11, 22, 5, 10, 20, 6}));
}

TEST(Recommender, NoSamplesHaveNoEncodings) {
  const auto model = make_model(example_config(), example_shape(), test_seed()).value();
  ExampleBatch none(example_shape(), 2, 0, test_seed());
  model->encode(none.input(), {});
}

}  // namespace
}  // namespace cairn::math
