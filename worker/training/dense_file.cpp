#include "worker/training/dense_file.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <vector>

namespace cairn::training {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint64_t kHeaderBytesMax = 100'000'000;

// A named slice of the model's or the optimizer's flat buffer, in the memory of the model's device.
struct SavedTensor {
  std::string name;
  std::vector<uint32_t> shape;
  std::span<float> values;
};

std::vector<SavedTensor> tensors_of(math::Model& model, math::DenseOptimizer& optimizer) {
  std::vector<SavedTensor> tensors;
  for (const math::ParameterInfo& info : model.parameters())
    tensors.push_back({info.name, info.shape, model.values().subspan(info.offset, info.size)});
  const std::vector<std::string> states = optimizer.state_names();
  for (size_t s = 0; s < states.size(); ++s)
    for (const math::ParameterInfo& info : model.parameters())
      tensors.push_back(
          {"optimizer." + states[s] + "." + info.name, info.shape,
           optimizer.state().subspan(s * model.values().size() + info.offset, info.size)});
  return tensors;
}

Error corrupt(const std::filesystem::path& file, const std::string& what) {
  return {ErrorCode::kCorrupt, file.string() + ": " + what};
}

}  // namespace

std::string write_dense(math::Model& model, math::DenseOptimizer& optimizer) {
  Json header = Json::object();
  uint64_t offset = 0;
  const std::vector<SavedTensor> tensors = tensors_of(model, optimizer);
  for (const SavedTensor& tensor : tensors) {
    const uint64_t end = offset + tensor.values.size_bytes();
    header[tensor.name] = {
        {"dtype", "F32"}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // so that the values are aligned
  const uint64_t length = text.size();
  std::string bytes(reinterpret_cast<const char*>(&length), sizeof length);
  bytes += text;
  size_t at = bytes.size();
  bytes.resize(at + offset);
  for (const SavedTensor& tensor : tensors) {
    model.memory().read(bytes.data() + at, tensor.values.data(), tensor.values.size_bytes());
    at += tensor.values.size_bytes();
  }
  return bytes;
}

Status read_dense(const std::filesystem::path& file, math::Model& model,
                  math::DenseOptimizer& optimizer) {
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return Error{ErrorCode::kNotFound, file.string() + ": cannot be opened"};
  const std::string bytes{std::istreambuf_iterator<char>(stream), {}};
  uint64_t length = 0;
  if (bytes.size() < sizeof length) return corrupt(file, "shorter than its header");
  std::memcpy(&length, bytes.data(), sizeof length);
  if (length > kHeaderBytesMax || length > bytes.size() - sizeof length)
    return corrupt(file, "its header's length is impossible");
  const Json header =
      Json::parse(bytes.begin() + 8, bytes.begin() + 8 + static_cast<ptrdiff_t>(length), nullptr,
                  /*allow_exceptions=*/false);
  if (!header.is_object()) return corrupt(file, "its header is not JSON");
  const std::string_view data = std::string_view(bytes).substr(8 + length);

  const std::vector<SavedTensor> tensors = tensors_of(model, optimizer);
  std::vector<const char*> sources;
  for (const SavedTensor& tensor : tensors) {
    const auto found = header.find(tensor.name);
    const auto differs = [&](const std::string& what) {
      return Error{ErrorCode::kInvalidArgument,
                   file.string() + ": tensor '" + tensor.name + "' " + what +
                       "; the job's model or optimizer is not the one that was saved"};
    };
    if (found == header.end()) return differs("is missing");
    const Json shape = tensor.shape;
    if (!found->is_object() || found->value("dtype", Json()) != "F32" ||
        found->value("shape", Json()) != shape)
      return differs("is " + found->dump() + ", want F32 " + shape.dump());
    const Json offsets = found->value("data_offsets", Json());
    if (!offsets.is_array() || offsets.size() != 2 || !offsets[0].is_number_unsigned() ||
        !offsets[1].is_number_unsigned())
      return corrupt(file, "offsets of '" + tensor.name + "' are not numbers");
    const uint64_t begin = offsets[0], end = offsets[1];
    if (begin > end || end > data.size() || end - begin != tensor.values.size_bytes())
      return corrupt(file, "tensor '" + tensor.name + "' lies outside the file");
    sources.push_back(data.data() + begin);
  }
  if (header.size() != tensors.size())
    return Error{ErrorCode::kInvalidArgument, file.string() + ": holds " +
                                                  std::to_string(header.size()) +
                                                  " tensors, the job's model and optimizer have " +
                                                  std::to_string(tensors.size())};
  for (size_t i = 0; i < tensors.size(); ++i)
    if (!tensors[i].values.empty())
      model.memory().write(tensors[i].values.data(), sources[i], tensors[i].values.size_bytes());
  return Ok{};
}

}  // namespace cairn::training
