#include "worker/math/models/operation_graph.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "common/config/words.h"

namespace cairn::math {
namespace {

class Maker {
 public:
  Maker(const NetworkInput& batch, const nn::Parameters& parameters)
      : batch_(batch), parameters_(parameters) {
    graph_.samples = batch.input.samples;
  }

  void add(const Operation& operation) {
    OperationGraph::Node node;
    node.operation = operation.name;
    for (const Variable* input : operation.inputs)
      if (input != nullptr) node.inputs.push_back(given_or_made(input));
    for (const Variable* output : operation.outputs) node.outputs.push_back(made(output));
    for (const Attribute& attribute : operation.attributes)
      node.attributes.emplace_back(attribute.name, attribute.word.empty()
                                                       ? fmt::format("{:.7g}", attribute.number)
                                                       : std::string(attribute.word));
    for (const BagView& bag : operation.bags) node.bags.push_back({feature_of(bag), bag.pooling});
    graph_.nodes.push_back(std::move(node));
  }
  OperationGraph take() { return std::move(graph_); }

 private:
  size_t add_value(const Variable* variable, OperationGraph::Kind kind, std::string name) {
    const auto [place, fresh] = places_.emplace(variable, graph_.values.size());
    check(fresh, "two operations make one variable");
    const Shape& shape = variable->value.shape;
    graph_.values.push_back({kind, std::move(name), {shape.begin(), shape.end()}});
    return place->second;
  }
  size_t made(const Variable* variable) {
    return add_value(variable, OperationGraph::Kind::kResult, fmt::format("%{}", results_++));
  }
  size_t given_or_made(const Variable* variable) {
    const auto known = places_.find(variable);
    if (known != places_.end()) return known->second;
    if (const std::string* name = parameters_.name_of(variable))
      return add_value(variable, OperationGraph::Kind::kParameter, *name);
    const std::string name = input_name(variable);
    return name.empty() ? add_value(variable, OperationGraph::Kind::kUnknown, "?")
                        : add_value(variable, OperationGraph::Kind::kInput, name);
  }
  std::string input_name(const Variable* variable) const {
    if (variable == batch_.numbers) return "numbers";
    for (size_t t = 0; t < batch_.tables.size(); ++t) {
      if (variable == batch_.tables[t].vectors) return fmt::format("table.{}.vectors", t);
      if (variable == batch_.tables[t].weights) return fmt::format("table.{}.weights", t);
    }
    return "";
  }
  size_t feature_of(const BagView& bag) const {
    const auto found = std::ranges::find_if(batch_.input.bags, [&](const ModelInput::Bag& other) {
      return other.offsets.data() == bag.offsets.data();
    });
    check(found != batch_.input.bags.end(), "an operation reads ids that are not the batch's");
    return static_cast<size_t>(found - batch_.input.bags.begin());
  }

  const NetworkInput& batch_;
  const nn::Parameters& parameters_;
  OperationGraph graph_;
  std::map<const Variable*, size_t> places_;
  size_t results_ = 0;
};

std::string names_of(const OperationGraph& graph, const std::vector<size_t>& values) {
  std::vector<std::string> names;
  for (const size_t value : values) names.push_back(graph.values[value].name);
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string shape_of(const OperationGraph& graph, const OperationGraph::Value& value) {
  std::vector<std::string> sizes;
  for (const size_t size : value.shape)
    sizes.push_back(sizes.empty() && size == graph.samples ? "samples" : fmt::format("{}", size));
  return fmt::format("[{}]", fmt::join(sizes, ", "));
}

std::string line_of(const OperationGraph& graph, const OperationGraph::Node& node) {
  std::string line;
  const auto to = std::back_inserter(line);
  if (!node.outputs.empty()) fmt::format_to(to, "{} = ", names_of(graph, node.outputs));
  fmt::format_to(to, "{}({})", node.operation, names_of(graph, node.inputs));
  for (const auto& [name, value] : node.attributes) fmt::format_to(to, " {}={}", name, value);
  for (const OperationGraph::Bag& bag : node.bags)
    fmt::format_to(to, " bag.{}={}", bag.feature, to_word(bag.pooling));
  if (!node.outputs.empty())
    fmt::format_to(to, " {}", shape_of(graph, graph.values[node.outputs[0]]));
  line += '\n';
  return line;
}

}  // namespace

OperationGraph graph_of(const Tape& tape, const NetworkInput& batch,
                        const nn::Parameters& parameters) {
  std::vector<const Operation*> operations;
  for (const auto* kept = tape.last_operation(); kept != nullptr; kept = kept->before)
    operations.push_back(kept);
  Maker maker(batch, parameters);
  for (size_t i = operations.size(); i-- > 0;) maker.add(*operations[i]);
  return maker.take();
}

std::string describe(const OperationGraph& graph) {
  std::string text;
  for (const OperationGraph::Node& node : graph.nodes) text += line_of(graph, node);
  return text;
}

std::string describe(Model& model) { return describe(model.operations()); }

}  // namespace cairn::math
