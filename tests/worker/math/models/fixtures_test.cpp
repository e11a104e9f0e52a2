// Operations against what PyTorch computed in float64: see make_fixtures.py, which wrote the file.
#include "tests/worker/math/models/fixtures.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/worker/math/ops/backends.h"
#include "worker/math/autograd/attention.h"
#include "worker/math/autograd/functions.h"
#include "worker/math/autograd/interactions.h"
#include "worker/math/autograd/losses.h"
#include "worker/math/autograd/towers.h"
#include "worker/math/optimizers/dense_optimizer.h"

namespace cairn::math {
namespace {

using Inputs = std::vector<Variable*>;
using Forward = std::function<Variable*(Tape&, const Inputs&)>;

constexpr Activation kLinear = Activation::kNone;
constexpr size_t kDim = 6, kExperts = 3;

Variable* mixture(Tape& t, const Inputs& in) {
  const auto tanh = [&](Variable* h) { return autograd::activation(t, Activation::kTanh, h); };
  Variable* thin = tanh(autograd::linear(t, in[1], in[2], nullptr, kLinear));
  Variable* turned = tanh(autograd::linear(t, thin, in[3], nullptr, kLinear, kExperts));
  Variable* logits = autograd::linear(t, in[1], in[5], nullptr, kLinear);
  Variable* gated = autograd::gate_scale(t, logits, turned);
  return autograd::combine(t, in[0], autograd::linear(t, gated, in[4], in[6], kLinear), in[1]);
}

Variable* batch_norm(Tape& t, const Inputs& in) {
  const auto statistic = [&](float value) {
    const Matrix m = t.arena().matrix(1, kDim);
    std::fill_n(m.data, kDim, value);
    return t.constant(m);
  };
  return autograd::batch_norm(t, in[0], {in[1], in[2], statistic(0), statistic(1)});
}

Variable* gates(Tape& t, const Inputs& in) {
  std::array<Variable*, 1> mixed;
  autograd::gates(t, in[0], in[1], mixed);
  return mixed[0];
}

BagView three_bags(Pooling pooling) {
  static const std::vector<uint32_t> offsets = {0, 3, 3, 5}, index = {2, 0, 2, 1, 3};
  return {offsets, index, pooling};
}

// In seven rows, of which the ids have five.
Variable* attention(Tape& t, const Inputs& in, bool softmax) {
  const BagView bag = three_bags(Pooling::kAttention);
  Variable* x = autograd::attention_inputs(t, bag, in[0], in[1], 7);
  Variable* hidden =
      autograd::activation(t, Activation::kSigmoid, autograd::linear(t, x, in[2], in[3], kLinear));
  Variable* scores = autograd::linear(t, hidden, in[4], in[5], kLinear);
  if (softmax) scores = autograd::bag_softmax(t, bag, scores);
  return autograd::weighted_pool(t, bag, in[0], scores);
}

template <Pooling kPooling>
Variable* pool(Tape& t, const Inputs& in) {
  const std::array bags = {three_bags(kPooling)};
  const std::array tables = {in[0]};
  return autograd::pooled_features(t, 3, bags, tables);
}

Forward activation(Activation kind) {
  return [kind](Tape& t, const Inputs& in) {
    return autograd::activation(t, kind, in[0], in.size() > 1 ? in[1] : nullptr);
  };
}

const std::map<std::string, Forward>& layers() {
  static const std::map<std::string, Forward> all = {
      {"gelu", activation(Activation::kGelu)},
      {"silu", activation(Activation::kSilu)},
      {"sigmoid", activation(Activation::kSigmoid)},
      {"tanh", activation(Activation::kTanh)},
      {"prelu", activation(Activation::kPrelu)},
      {"layer_norm",
       [](Tape& t, const Inputs& in) { return autograd::layer_norm(t, in[0], in[1], in[2]); }},
      {"batch_norm", batch_norm},
      {"linear_relu",
       [](Tape& t, const Inputs& in) {
         return autograd::linear(t, in[0], in[1], in[2], Activation::kRelu);
       }},
      {"cross",
       [](Tape& t, const Inputs& in) { return autograd::cross(t, in[0], in[1], in[2], in[3]); }},
      {"vector_cross",
       [](Tape& t, const Inputs& in) {
         return autograd::vector_cross(t, in[0], in[1], in[2], in[3]);
       }},
      {"low_rank_cross",
       [](Tape& t, const Inputs& in) {
         Variable* thin = autograd::linear(t, in[1], in[2], nullptr, kLinear);
         return autograd::combine(t, in[0], autograd::linear(t, thin, in[3], in[4], kLinear),
                                  in[1]);
       }},
      {"mixture_cross", mixture},
      {"pairs", [](Tape& t, const Inputs& in) { return autograd::pairs(t, in[0], kDim); }},
      {"dots", [](Tape& t, const Inputs& in) { return autograd::dots(t, in[0], kDim); }},
      {"gates", gates},
      {"attention", [](Tape& t, const Inputs& in) { return attention(t, in, false); }},
      {"attention_softmax", [](Tape& t, const Inputs& in) { return attention(t, in, true); }},
      {"sum_pool", pool<Pooling::kSum>},
      {"mean_pool", pool<Pooling::kMean>},
      {"max_pool", pool<Pooling::kMax>},
      {"dropout", [](Tape& t, const Inputs& in) { return autograd::dropout(t, in[0], 0.4f, 2); }},
  };
  return all;
}

// Where dropout draws; all other functions depend on the rows alone.
constexpr StepContext kPlace = {.seed = 3, .step = 5, .first_sample = 70'000, .samples = 5};

// Those whose numbers a test can look at.
std::vector<const Ops*> backends() { return {&cpu_ops(), &cuda_on_host::table()}; }

class Fixtures : public testing::TestWithParam<const Ops*> {
 protected:
  const Ops& ops = *GetParam();
};
INSTANTIATE_TEST_SUITE_P(EveryBackend, Fixtures, testing::ValuesIn(backends()), backend_name);

TEST_P(Fixtures, LayersMatchPyTorch) {
  std::map<std::string, FixtureCase> cases = read_fixtures("pytorch.txt");
  for (const auto& [name, forward] : layers()) {
    ASSERT_TRUE(cases.contains(name)) << name;
    FixtureCase& fixture = cases[name];
    Arena arena(ops.memory());
    Tape tape(ops, arena, Tape::Mode::kTraining, kPlace);
    Inputs inputs;
    for (size_t i = 0; fixture.contains(numbered("in", i)); ++i) {
      FixtureArray& in = fixture[numbered("in", i)];
      inputs.push_back(tape.input(in.view(), arena.matrix(in.rows, in.cols)));
    }
    Variable* y = forward(tape, inputs);
    expect_close(fixture["y"].values, y->matrix(), name + " y");
    tape.ops().copy(fixture["dy"].view(), tape.gradient_of(y));
    tape.backward();
    for (size_t i = 0; i < inputs.size(); ++i)
      expect_close(fixture[numbered("d", i)].values, tape.complete_gradient(inputs[i]),
                   name + " " + numbered("d", i));
  }
}

const std::map<std::string, TaskConfig>& losses() {
  static const std::map<std::string, TaskConfig> all = {
      {"bce", {.loss = Loss::kBce}},
      {"mse", {.loss = Loss::kMse}},
      {"huber", {.loss = Loss::kHuber, .huber_delta = 0.5f}},
      {"focal", {.loss = Loss::kFocal}},
      {"pairwise", {.loss = Loss::kPairwise}}};
  return all;
}

TEST_P(Fixtures, LossesMatchPyTorch) {
  std::map<std::string, FixtureCase> cases = read_fixtures("pytorch.txt");
  for (const auto& [name, task] : losses()) {
    ASSERT_TRUE(cases.contains(name)) << name;
    FixtureCase& fixture = cases[name];
    FixtureArray& z = fixture["in0"];
    const auto rows = static_cast<double>(z.rows);
    Arena arena(ops.memory());
    Tape tape(ops, arena, Tape::Mode::kTraining, {.samples = rows});
    Variable* logits = tape.input(z.view(), arena.matrix(z.rows, 1));
    double sum = 0.0;
    autograd::loss(tape, task, logits, {fixture["in1"].view(), {}, static_cast<float>(1.0 / rows)},
                   arena.matrix(z.rows, 1), &sum);
    EXPECT_NEAR(sum / rows, fixture["y"].values[0], 1e-6) << name;
    expect_close(fixture["d0"].values, logits->gradient.matrix(), name + " gradient");
  }
}

constexpr const char* kOptimizers[] = {"sgd",  "momentum", "nesterov", "adagrad",
                                       "adam", "adamw",    "lamb",     "clip_norm"};

TEST_P(Fixtures, OptimizersMatchPyTorch) {
  std::map<std::string, FixtureCase> cases = read_fixtures("pytorch.txt");
  for (const char* name : kOptimizers) {
    ASSERT_TRUE(cases.contains(name)) << name;
    FixtureCase& fixture = cases[name];
    DenseOptimizerConfig config;
    const bool clips = name == std::string("clip_norm");
    config.name = clips ? "sgd" : name;
    config.clip_norm = clips ? 0.5f : 0.0f;
    config.learning_rate = 0.1f;
    config.weight_decay = 0.2f;
    std::vector<float> w = fixture["in0"].values;
    const auto optimizer = make_dense_optimizer(config, w.size(), ops).value();
    for (uint64_t step = 1; step <= 3; ++step)
      optimizer->step(w, fixture[numbered("in", step)].values, step);
    expect_close(fixture["y"].values, {w.data(), 1, w.size()}, name);
  }
}

TEST(Fixture, NoneIsLeftOut) {
  std::set<std::string> held, stored;
  for (const auto& [name, forward] : layers()) held.insert(name);
  for (const auto& [name, task] : losses()) held.insert(name);
  held.insert(std::begin(kOptimizers), std::end(kOptimizers));
  for (const auto& [name, arrays] : read_fixtures("pytorch.txt")) stored.insert(name);
  EXPECT_EQ(held, stored);
}

}  // namespace
}  // namespace cairn::math
