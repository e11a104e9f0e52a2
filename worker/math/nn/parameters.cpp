#include "worker/math/nn/parameters.h"

#include <algorithm>
#include <cmath>

#include "common/random.h"

namespace cairn::math::nn {
namespace {

constexpr size_t kUnit = Arena::kAlignment / sizeof(float);
constexpr uint64_t kStream = 0x64656e7365;  // "dense": these draws are shared with nothing else

}  // namespace

float he_limit(size_t in) { return std::sqrt(6.0f / static_cast<float>(in)); }

float glorot_limit(size_t in, size_t out) { return std::sqrt(6.0f / static_cast<float>(in + out)); }

Variable* Parameters::add(std::string name, std::vector<uint32_t> shape, float limit) {
  return add(std::move(name), std::move(shape), Start{limit, 0.0f}, true);
}

Variable* Parameters::add_constant(std::string name, std::vector<uint32_t> shape, float value,
                                   bool trained) {
  return add(std::move(name), std::move(shape), Start{0.0f, value}, trained);
}

Variable* Parameters::add(std::string name, std::vector<uint32_t> shape, Start start,
                          bool trained) {
  check(values_.empty(), "a parameter is added after the buffers were made");
  const size_t offset =
      infos_.empty() ? 0 : (infos_.back().offset + infos_.back().size + kUnit - 1) / kUnit * kUnit;
  size_t size = 1;
  for (const uint32_t dim : shape) size *= dim;
  Variable variable;
  variable.needs_gradient = trained;
  variable.value = Matrix(nullptr, size / shape.back(), shape.back());
  infos_.push_back({std::move(name), std::move(shape), offset, size, trained, start.limit > 0.0f});
  starts_.push_back(start);
  return &variables_.emplace_back(variable);
}

void Parameters::allocate(uint64_t seed) {
  const size_t floats = infos_.empty() ? 0 : infos_.back().offset + infos_.back().size;
  const auto take = [&] {
    return std::span(static_cast<float*>(storage_.numbers(floats * sizeof(float))), floats);
  };
  values_ = take();
  gradients_ = take();
  std::vector<float> start(floats);
  storage_.memory().write(gradients_.data(), std::span<const float>(start));
  for (size_t i = 0; i < infos_.size(); ++i) {
    Variable& variable = variables_[i];
    variable.value.data = values_.data() + infos_[i].offset;
    variable.gradient =
        Matrix(gradients_.data() + infos_[i].offset, variable.rows(), variable.cols());
    const std::span<float> values = std::span(start).subspan(infos_[i].offset, infos_[i].size);
    if (starts_[i].limit == 0.0f) {
      std::ranges::fill(values, starts_[i].value);
      continue;
    }
    RandomStream random(seed, kStream, i);
    for (float& w : values) w = starts_[i].limit * (2.0f * random.next_float() - 1.0f);
  }
  storage_.memory().write(values_.data(), std::span<const float>(start));
}

void Parameters::begin_step() {
  for (Variable& variable : variables_) variable.written = false;
}

void Parameters::end_step(float l2, size_t first, size_t last) {
  for (size_t i = first; i < last; ++i) {
    const ParameterInfo& info = infos_[i];
    const Matrix gradient(gradients_.data() + info.offset, 1, info.size);
    if (!variables_[i].written) ops_.zero(gradient);
    if (l2 == 0.0f || !info.decays) continue;
    ops_.add_scaled(Matrix(values_.data() + info.offset, 1, info.size), l2, gradient);
  }
}

const std::string* Parameters::name_of(const Variable* variable) const {
  for (size_t i = 0; i < infos_.size(); ++i)
    if (&variables_[i] == variable) return &infos_[i].name;
  return nullptr;
}

size_t Parameters::last_part(size_t first, size_t last) const {
  size_t part = 0;
  for (size_t i = first; i < last; ++i) part = std::max(part, variables_[i].last_part);
  return part;
}

}  // namespace cairn::math::nn
