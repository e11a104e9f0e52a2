#include "worker/math/models/operation_graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "tests/seed.h"
#include "tests/worker/math/models/example.h"
#include "tests/worker/math/models/variations.h"
#include "tests/worker/math/ops/backends.h"
#include "worker/math/autograd/tensor_functions.h"
#include "worker/math/device/host_device.h"
#include "worker/math/models/recommender.h"
#include "worker/math/models/task_objective.h"

namespace cairn::math {
namespace {

class Nobody final : public Peers {
 public:
  void sum(std::span<float>) override {}
};

// It begins as the expected text does, with a line's end.
std::string description_of(const ModelConfig& config, const ModelShape& shape) {
  std::string text = describe(*make_model(config, shape, test_seed()).value());
  text.insert(text.begin(), '\n');
  return text;
}

TEST(Describe, ADcnWithMmoe) {
  ModelConfig config = example_config();
  config.head = Head::kMmoe;
  EXPECT_EQ(description_of(config, example_shape()), R"(
%0 = pooled_features(table.0.vectors, table.1.vectors, table.0.vectors, numbers) bag.0=sum bag.1=mean bag.2=mean [samples, 13]
%1 = cross(%0, %0, cross.0.weight, cross.0.bias) [samples, 13]
%2 = cross(%0, %1, cross.1.weight, cross.1.bias) [samples, 13]
%3 = linear(%0, deep.0.weight, deep.0.bias) activation=relu [samples, 7]
%4 = linear(%3, deep.1.weight, deep.1.bias) activation=relu [samples, 4]
%5 = concat(%2, %4) [samples, 17]
%6 = linear(%5, head.experts.0.weight, head.experts.0.bias) activation=relu [samples, 18]
%7 = linear(%5, head.gates.0.weight, head.gates.0.bias) activation=none [samples, 6]
%8, %9 = gates(%7, %6) [samples, 6]
%10 = linear(%8, tower.click.0.weight, tower.click.0.bias) activation=relu [samples, 4]
%11 = linear(%10, tower.click.1.weight, tower.click.1.bias) activation=none [samples, 1]
%12 = linear(%9, tower.stars.0.weight, tower.stars.0.bias) activation=relu [samples, 4]
%13 = linear(%12, tower.stars.1.weight, tower.stars.1.bias) activation=none [samples, 1]
%14 = prediction(%11) kind=probability [samples, 1]
%15 = prediction(%13) kind=value [samples, 1]
)");
}

TEST(Describe, ADeepFm) {
  ModelConfig config = example_config();
  ModelShape shape = example_shape();
  config.interaction = Interaction::kFm;
  config.wide = true;
  shape.table_dims = {5, 5};
  EXPECT_EQ(description_of(config, shape), R"(
%0 = pooled_features(table.0.vectors, table.1.vectors, table.0.vectors, numbers) bag.0=sum bag.1=mean bag.2=mean [samples, 11]
%1 = columns(%0) first=0 count=9 [samples, 9]
%2 = number_fields(numbers, fm.numbers) [samples, 6]
%3 = concat(%1, %2) [samples, 15]
%4 = pairs(%3) dim=3 [samples, 3]
%5 = linear(%0, deep.0.weight, deep.0.bias) activation=relu [samples, 7]
%6 = linear(%5, deep.1.weight, deep.1.bias) activation=relu [samples, 4]
%7 = linear(%6, head.bottom.0.weight, head.bottom.0.bias) activation=relu [samples, 6]
%8 = linear(%7, tower.click.0.weight, tower.click.0.bias) activation=relu [samples, 4]
%9 = linear(%8, tower.click.1.weight, tower.click.1.bias) activation=none [samples, 1]
%10 = linear(%7, tower.stars.0.weight, tower.stars.0.bias) activation=relu [samples, 4]
%11 = linear(%10, tower.stars.1.weight, tower.stars.1.bias) activation=none [samples, 1]
%12 = pooled_features(table.0.weights, table.1.weights, table.0.weights) bag.0=sum bag.1=mean bag.2=mean [samples, 6]
%13 = sum_groups(%12) [samples, 2]
%14 = linear(numbers, wide.numbers) activation=none [samples, 2]
%15 = add(%13, %14) [samples, 2]
%16 = sum_groups(%4) [samples, 1]
%17 = columns(%15) first=0 count=1 [samples, 1]
%18 = add(%9, %17) [samples, 1]
%19 = add(%18, %16) [samples, 1]
%20 = columns(%15) first=1 count=1 [samples, 1]
%21 = add(%11, %20) [samples, 1]
%22 = add(%21, %16) [samples, 1]
%23 = prediction(%19) kind=probability [samples, 1]
%24 = prediction(%22) kind=value [samples, 1]
)");
}

TEST(Describe, ADlrm) {
  ModelConfig config = example_config();
  ModelShape shape = example_shape();
  config.interaction = Interaction::kDot;
  config.structure = Structure::kStacked;
  config.bottom_units = {5};
  config.tasks.resize(1);
  shape.table_dims = {4, 4};
  EXPECT_EQ(description_of(config, shape), R"(
%0 = pooled_features(table.0.vectors, table.1.vectors, table.0.vectors, numbers) bag.0=sum bag.1=mean bag.2=mean [samples, 14]
%1 = columns(%0) first=0 count=12 [samples, 12]
%2 = linear(numbers, dot.bottom.0.weight, dot.bottom.0.bias) activation=relu [samples, 5]
%3 = linear(%2, dot.bottom.1.weight, dot.bottom.1.bias) activation=relu [samples, 4]
%4 = concat(%3, %1) [samples, 16]
%5 = dots(%4) dim=4 [samples, 6]
%6 = concat(%3, %5) [samples, 10]
%7 = linear(%6, deep.0.weight, deep.0.bias) activation=relu [samples, 7]
%8 = linear(%7, deep.1.weight, deep.1.bias) activation=relu [samples, 4]
%9 = linear(%8, head.bottom.0.weight, head.bottom.0.bias) activation=relu [samples, 6]
%10 = linear(%9, tower.click.0.weight, tower.click.0.bias) activation=relu [samples, 4]
%11 = linear(%10, tower.click.1.weight, tower.click.1.bias) activation=none [samples, 1]
%12 = prediction(%11) kind=probability [samples, 1]
)");
}

// The names of the operations on a tape of one training step, each of whose inputs must be known.
void collect(const ModelConfig& config, const ModelShape& shape, std::set<std::string>& seen) {
  nn::Parameters parameters;
  const Recommender network(parameters, config, shape);
  const TaskObjective objective(parameters, config);
  parameters.allocate(test_seed());
  parameters.begin_step();
  Nobody nobody;
  ExampleBatch example(shape, config.tasks.size(), 3, test_seed());
  const ModelInput input = example.input();
  Arena arena;
  Tape tape(cpu_ops(), arena, Tape::Mode::kTraining,
            {.step = 1, .samples = example.divisor, .peers = &nobody});
  tape.keep_operations();
  std::vector<TableRows> tables;
  const size_t weights = network.row_weights();
  for (size_t t = 0; t < example.tables.size(); ++t) {
    const size_t dim = shape.table_dims[t];
    const Matrix rows(example.tables[t].data(), example.tables[t].size() / dim, dim);
    const auto part = [&](size_t first, size_t count) {
      return count == 0 ? nullptr : tape.input(rows.columns(first, count), {});
    };
    tables.push_back({part(0, weights), part(weights, dim - weights)});
  }
  const Matrix numbers(example.dense.data(), input.samples, shape.dense_columns);
  const NetworkInput batch = {input, tape.constant(numbers), tables};
  std::vector<float> predictions(input.samples * config.tasks.size());
  std::vector<double> sums(config.tasks.size());
  const std::span<Variable* const> logits = network.forward(tape, batch);
  objective.compute_losses(tape, {input, nullptr, predictions, {}, sums.data()}, logits);
  objective.predict(tape, logits, Matrix(predictions.data(), input.samples, config.tasks.size()));

  const OperationGraph graph = graph_of(tape, batch, parameters);
  for (const OperationGraph::Value& value : graph.values)
    EXPECT_NE(value.kind, OperationGraph::Kind::kUnknown) << describe(graph);
  for (const OperationGraph::Node& node : graph.nodes) seen.insert(node.operation);
}

// The functions on tensors of any rank, which no model uses.
void collect_tensor_functions(std::set<std::string>& seen) {
  using namespace autograd;
  Arena arena;
  Tape tape(cpu_ops(), arena, Tape::Mode::kTraining);
  tape.keep_operations();
  Variable* x = tape.input(make_tensor(arena, {2, 2}, DType::kF32));
  fill(x->value, 1.0);
  const Tensor index = make_tensor(arena, {2}, DType::kI64);
  fill(index, 0.0);
  constexpr std::array<size_t, 2> kAxes = {1, 0};
  const std::array parts = {x, x};
  binary(tape, Binary::kAdd, x, x);
  binary(tape, Binary::kLess, x, x);
  unary(tape, Unary::kExp, x);
  matmul(tape, x, x);
  reduce(tape, Reduction::kSum, x, kAxes);
  reshape(tape, x, {4});
  transpose(tape, x, kAxes);
  slice(tape, x, 0, 0, 1);
  broadcast_to(tape, x, {3, 2, 2});
  cast(tape, x, DType::kF64);
  concatenate(tape, parts, 0);
  gather(tape, x, index);
  scatter_add(tape, x, index, x);
  size_t count = 0;
  for (const auto* kept = tape.last_operation(); kept != nullptr; kept = kept->before, ++count) {
    seen.insert(kept->name);
    EXPECT_EQ(kept->inputs[0], x) << kept->name;
    EXPECT_EQ(kept->outputs.size(), 1u) << kept->name;
  }
  EXPECT_EQ(count, 13u);
}

// The functions that the headers of worker/math/autograd/ declare.
std::set<std::string> declared_functions() {
  std::set<std::string> names;
  const std::regex declaration(R"(^(?:Variable\*|void) (\w+)\(Tape& tape)");
  for (const auto& file :
       std::filesystem::directory_iterator(CAIRN_SOURCE_DIR "/worker/math/autograd")) {
    if (file.path().extension() != ".h") continue;
    std::ifstream header(file.path());
    std::smatch found;
    for (std::string line; std::getline(header, line);)
      if (std::regex_search(line, found, declaration)) names.insert(found[1]);
  }
  return names;
}

TEST(Operations, EveryFunctionDescribesItselfByItsName) {
  std::set<std::string> seen;
  for (const Variation& variation : model_variations()) {
    SCOPED_TRACE(variation.name);
    ModelConfig config = example_config();
    ModelShape shape = example_shape();
    variation.change(config, shape);
    collect(config, shape, seen);
  }
  collect_tensor_functions(seen);
  seen.erase("uncertainty");  // no function: the objective gives its own operations to the tape
  EXPECT_EQ(seen, declared_functions());
}

class OperationsTest : public testing::TestWithParam<Variation> {
 protected:
  OperationsTest() { GetParam().change(config, shape); }

  ModelShape shape = example_shape();
  ModelConfig config = example_config();
};

TEST_P(OperationsTest, AreTheSameOnEveryDeviceAndChangeNoResult) {
  HostDevice device(HostDevice::Order::kAnyOrder, test_seed());
  const auto on_cpu = make_model(config, shape, test_seed()).value();
  const auto on_device = make_model(config, shape, test_seed(), cuda_on_host::table()).value();
  ExampleBatch batch(shape, config.tasks.size(), 9, test_seed());
  std::vector<float> before(9 * config.tasks.size()), after = before;
  on_cpu->predict(batch.input(), before);
  EXPECT_EQ(describe(*on_cpu), describe(*on_device));
  on_cpu->predict(batch.input(), after);
  EXPECT_EQ(after, before);
}

TEST_P(OperationsTest, NameEveryParameterOfTheModelAndEveryFeature) {
  const auto model = make_model(config, shape, test_seed()).value();
  const OperationGraph graph = model->operations();
  std::set<std::string> used;
  std::set<size_t> features;
  for (const OperationGraph::Value& value : graph.values) {
    EXPECT_NE(value.kind, OperationGraph::Kind::kUnknown) << describe(graph);
    if (value.kind == OperationGraph::Kind::kParameter) used.insert(value.name);
  }
  for (const OperationGraph::Node& node : graph.nodes)
    for (const OperationGraph::Bag& bag : node.bags) features.insert(bag.feature);
  std::set<std::string> all;
  for (const ParameterInfo& info : model->parameters())
    if (info.name != "uncertainty") all.insert(info.name);  // only losses read it
  EXPECT_EQ(used, all);
  EXPECT_EQ(features.size(), shape.bags.size());
}

INSTANTIATE_TEST_SUITE_P(EveryModel, OperationsTest, testing::ValuesIn(model_variations()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace cairn::math
