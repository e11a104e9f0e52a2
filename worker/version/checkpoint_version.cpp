#include "worker/version/checkpoint_version.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <utility>

namespace cairn::version {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

Error in(const fs::path& file, const Error& error) {
  return {error.code, file.string() + ": " + error.message};
}

Result<std::vector<float>> read_parameters(const fs::path& file,
                                           const ModelDefinition& definition) {
  const Result<Safetensors> tensors = read_safetensors(file);
  if (!tensors.ok()) return tensors.error();
  std::vector<float> parameters(definition.floats);
  for (const math::ParameterInfo& info : definition.parameters) {
    const Result<std::string_view> bytes = tensor_bytes(tensors.value(), info.name, info.shape);
    if (!bytes.ok()) return in(file, bytes.error());
    if (!bytes.value().empty())
      std::memcpy(&parameters[info.offset], bytes.value().data(), bytes.value().size());
  }
  const auto all = tensors.value().tensors();
  const auto of_model = std::count_if(all.begin(), all.end(), [](const SafetensorsTensor& tensor) {
    return !tensor.name.starts_with(kOptimizerPrefix);
  });
  if (static_cast<size_t>(of_model) != definition.parameters.size())
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("{}: holds {} tensors of a model, the job's model has {}",
                             file.string(), of_model, definition.parameters.size())};
  return parameters;
}

}  // namespace

Result<CheckpointManifest> read_manifest_of(const fs::path& folder, const JobConfig& job) {
  Result<CheckpointManifest> manifest = read_manifest(folder);
  if (manifest.ok() && manifest.value().tables != job.tables)
    return Error{ErrorCode::kInvalidArgument,
                 folder.string() + ": its tables are not those of the job"};
  return manifest;
}

Result<VersionPtr> read_version(const fs::path& folder, uint64_t step,
                                std::shared_ptr<const ModelDefinition> definition) {
  auto version = std::make_shared<ModelVersion>();
  version->step = step;
  Result<features::Statistics> statistics =
      features::Statistics::from_json(contents(folder / kStatisticsFile));
  if (!statistics.ok())
    return Error{
        ErrorCode::kInvalidArgument,
        fmt::format("{}: {}: {}", folder.string(), kStatisticsFile, statistics.error().message)};
  version->statistics = std::move(statistics).value();
  Result<std::vector<float>> parameters = read_parameters(folder / kDenseFile, *definition);
  if (!parameters.ok()) return parameters.error();
  version->parameters = std::move(parameters).value();
  version->definition = std::move(definition);
  return VersionPtr(std::move(version));
}

Result<Safetensors> read_safetensors(const fs::path& file) {
  std::error_code unknown;
  if (!fs::is_regular_file(file, unknown))
    return Error{ErrorCode::kNotFound, file.string() + ": cannot be opened"};
  Result<Safetensors> tensors = Safetensors::parse(contents(file));
  if (!tensors.ok()) return in(file, tensors.error());
  return tensors;
}

Result<std::string_view> tensor_bytes(const Safetensors& tensors, const std::string& name,
                                      std::span<const uint32_t> shape) {
  const SafetensorsTensor* tensor = tensors.find(name);
  const auto differs = [&](const std::string& how) {
    return Error{ErrorCode::kInvalidArgument,
                 fmt::format("tensor '{}' {}; the job's model or optimizer is not the one that was "
                             "saved",
                             name, how)};
  };
  if (tensor == nullptr) return differs("is missing");
  if (tensor->dtype != "F32" ||
      !std::equal(tensor->shape.begin(), tensor->shape.end(), shape.begin(), shape.end()))
    return differs(fmt::format("is {} [{}], want F32 [{}]", tensor->dtype,
                               fmt::join(tensor->shape, ", "), fmt::join(shape, ", ")));
  return tensor->bytes;
}

}  // namespace cairn::version
