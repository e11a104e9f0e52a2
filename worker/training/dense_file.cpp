#include "worker/training/dense_file.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "common/formats/safetensors.h"
#include "worker/version/checkpoint_version.h"

namespace cairn::training {
namespace {

// The optimizer's state of one parameter, where it stands.
struct StateTensor {
  TensorShape tensor;
  std::span<float> values;
};

std::vector<StateTensor> state_tensors(const version::ModelDefinition& definition,
                                       math::DenseOptimizer& optimizer) {
  std::vector<StateTensor> tensors;
  const std::vector<std::string> states = optimizer.state_names();
  for (size_t s = 0; s < states.size(); ++s)
    for (const math::ParameterInfo& info : definition.parameters)
      tensors.push_back(
          {{std::string(version::kOptimizerPrefix) + states[s] + "." + info.name, info.shape},
           optimizer.state().subspan(s * definition.floats + info.offset, info.size)});
  return tensors;
}

}  // namespace

std::string write_dense(const version::ModelVersion& version, math::DenseOptimizer& optimizer,
                        math::Memory& memory) {
  const std::vector<math::ParameterInfo>& parameters = version.definition->parameters;
  const std::vector<StateTensor> states = state_tensors(*version.definition, optimizer);
  std::vector<TensorShape> tensors;
  for (const math::ParameterInfo& info : parameters) tensors.push_back({info.name, info.shape});
  for (const StateTensor& state : states) tensors.push_back(state.tensor);
  return write_safetensors(tensors, [&](size_t i, std::span<char> bytes) {
    if (i >= parameters.size())
      memory.read(bytes.data(), states[i - parameters.size()].values.data(), bytes.size());
    else if (!bytes.empty())
      std::memcpy(bytes.data(), &version.parameters[parameters[i].offset], bytes.size());
  });
}

Status read_optimizer_state(const std::filesystem::path& file,
                            const version::ModelDefinition& definition,
                            math::DenseOptimizer& optimizer, math::Memory& memory) {
  const Result<Safetensors> read = version::read_safetensors(file);
  if (!read.ok()) return read.error();
  const std::vector<StateTensor> states = state_tensors(definition, optimizer);
  std::vector<std::string_view> sources;
  for (const auto& [tensor, values] : states) {
    const Result<std::string_view> bytes =
        version::tensor_bytes(read.value(), tensor.name, tensor.shape);
    if (!bytes.ok()) return Error{bytes.error().code, file.string() + ": " + bytes.error().message};
    sources.push_back(bytes.value());
  }
  const size_t wanted = definition.parameters.size() + states.size();
  if (read.value().tensors().size() != wanted)
    return Error{ErrorCode::kInvalidArgument,
                 file.string() + ": holds " + std::to_string(read.value().tensors().size()) +
                     " tensors, the job's model and optimizer have " + std::to_string(wanted)};
  for (size_t i = 0; i < states.size(); ++i)
    if (!sources[i].empty())
      memory.write(states[i].values.data(), sources[i].data(), sources[i].size());
  return Ok{};
}

}  // namespace cairn::training
