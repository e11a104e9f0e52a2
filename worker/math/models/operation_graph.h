// The operations of a model as data: for people to read, and for whoever exports a model.
//
// Values are numbered; an operation names those that it reads and makes. The operations stand in
// the order in which the model computes them, so every value is made before it is read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "common/config/feature_config.h"
#include "worker/math/autograd/tape.h"
#include "worker/math/models/network.h"
#include "worker/math/nn/parameters.h"

namespace cairn::math {

struct OperationGraph {
  enum class Kind : uint8_t {
    kInput,      // "numbers", "table.<t>.vectors", "table.<t>.weights"
    kParameter,  // by its name in Model::parameters
    kResult,     // "%<number>"
    kUnknown,    // read, but neither given nor made by an operation: a bug of that operation
  };
  struct Value {
    Kind kind = Kind::kUnknown;
    std::string name;
    std::vector<size_t> shape;
  };
  struct Bag {
    size_t feature = 0;  // index into ModelShape::bags
    Pooling pooling = Pooling::kSum;
  };
  struct Node {
    std::string operation;                // a function of worker/math/autograd/
    std::vector<size_t> inputs, outputs;  // indices into `values`
    std::vector<std::pair<std::string, std::string>> attributes;
    std::vector<Bag> bags;  // ids that it reads: for pooled features one per table
  };

  size_t samples = 0;  // size of the batch behind it: the first dimension of many shapes
  std::vector<Value> values;
  std::vector<Node> nodes;
};

// Makes a graph of the operations that `tape` kept (Tape::keep_operations).
OperationGraph graph_of(const Tape& tape, const NetworkInput& batch,
                        const nn::Parameters& parameters);

// One line per operation. "samples" stands for the size of the batch:
//   %1 = cross(%0, %0, cross.0.weight, cross.0.bias) [samples, 13]
//   %2 = linear(%1, deep.0.weight, deep.0.bias) activation=relu [samples, 7]
std::string describe(const OperationGraph& graph);
// The graph of the model's predictions.
std::string describe(Model& model);

}  // namespace cairn::math
