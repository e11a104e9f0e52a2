#include "worker/math/models/staging.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "worker/math/device/device.h"
#include "worker/math/tensor/padding.h"

namespace cairn::math {
namespace {

constexpr size_t kAlignment = Arena::kAlignment;

// Parts one behind the other: first their places, then their content.
class Packing {
 public:
  // Returns the part's place. `count` may be more than there is: the rest is zero.
  template <typename T>
  size_t add(std::span<const T> values, size_t count) {
    const size_t at = bytes_;
    parts_.push_back({values.data(), values.size_bytes(), at});
    bytes_ += (count * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return at;
  }
  template <typename T>
  size_t add(std::span<const T> values) {
    return add(values, values.size());
  }

  size_t bytes() const { return bytes_; }
  void write(std::byte* to) const {
    size_t end = bytes_;
    for (size_t i = parts_.size(); i-- > 0; end = parts_[i].at) {
      const Part& part = parts_[i];
      if (part.bytes > 0) std::memcpy(to + part.at, part.data, part.bytes);
      std::memset(to + part.at + part.bytes, 0, end - part.at - part.bytes);
    }
  }

 private:
  struct Part {
    const void* data;
    size_t bytes, at;
  };
  std::vector<Part> parts_;
  size_t bytes_ = 0;
};

template <typename T>
std::span<const T> at(const std::byte* block, size_t place, size_t count) {
  if (count == 0) return {};  // as what is not there
  return {reinterpret_cast<const T*>(block + place), count};
}

}  // namespace

Staging::Staging(Memory& memory, std::vector<uint32_t> table_dims)
    : memory_(memory),
      table_dims_(std::move(table_dims)),
      table_room_(table_dims_.size()),
      device_(dynamic_cast<Device*>(&memory)) {}

Staging::~Staging() {
  if (packed_ != nullptr) memory_.free_staging(packed_, packed_bytes_);
}

// The copies of the step before have arrived: `finish` waited for them.
std::byte* Staging::packed(size_t bytes) {
  if (bytes > packed_bytes_) {
    if (packed_ != nullptr) memory_.free_staging(packed_, packed_bytes_);
    packed_bytes_ = std::max(bytes, 2 * packed_bytes_);
    packed_ = static_cast<std::byte*>(memory_.allocate_staging(packed_bytes_));
  }
  return packed_;
}

Staging::Step Staging::begin(const ModelInput& input, std::span<float> results,
                             std::span<const std::span<float>> table_grads, size_t losses,
                             Arena& arena) {
  Step step = {.input = input, .results = results, .table_grads = table_grads};
  if (device_ == nullptr) {
    step.numbers = arena.make<StepNumbers>(StepNumbers{input.step, input.first_sample});
    step.sums = arena.array<double>(losses).data();
    return step;
  }

  const StepNumbers numbers = {input.step, input.first_sample};
  Packing packing;
  const size_t numbers_at = packing.add(std::span<const StepNumbers>(&numbers, 1));
  const size_t dense_at = packing.add(input.dense);
  const size_t labels_at = packing.add(input.labels);
  const size_t weights_at = packing.add(input.weights);
  struct BagPlace {
    size_t offsets, index, count;
  };
  bag_room_.resize(input.bags.size());
  const std::span<BagPlace> places = arena.array<BagPlace>(input.bags.size());
  for (size_t b = 0; b < places.size(); ++b) {
    const ModelInput::Bag& bag = input.bags[b];
    // One id per row is one shape; other numbers of ids are many.
    const size_t ids = bag.index.size();
    const size_t count =
        ids == input.samples ? ids : bag_room_[b] = std::max(bag_room_[b], padded(ids));
    places[b] = {packing.add(bag.offsets), packing.add(bag.index, count), count};
  }
  std::byte* host = packed(packing.bytes());
  packing.write(host);
  auto* block = static_cast<std::byte*>(arena.numbers(packing.bytes()));
  device_->copy(device_->stream(), block, host, packing.bytes());

  step.numbers = at<StepNumbers>(block, numbers_at, 1).data();
  step.input.dense = at<float>(block, dense_at, input.dense.size());
  step.input.labels = at<float>(block, labels_at, input.labels.size());
  step.input.weights = at<float>(block, weights_at, input.weights.size());
  const std::span<ModelInput::Bag> bags = arena.array<ModelInput::Bag>(input.bags.size());
  for (size_t b = 0; b < bags.size(); ++b)
    bags[b] = {at<uint32_t>(block, places[b].offsets, input.bags[b].offsets.size()),
               at<uint32_t>(block, places[b].index, places[b].count)};
  step.input.bags = bags;

  const std::span<std::span<const float>> tables =
      arena.array<std::span<const float>>(input.tables.size());
  const std::span<std::span<float>> gradients = arena.array<std::span<float>>(table_grads.size());
  for (size_t t = 0; t < tables.size(); ++t) {
    const std::span<const float> rows = input.tables[t];
    if (input.tables_in_memory) {
      check(table_grads.empty(), "gradients of rows that the model did not place");
      tables[t] = rows;
      continue;
    }
    const size_t dim = table_dims_[t];
    table_room_[t] = std::max(table_room_[t], padded(rows.size() / dim));
    const size_t floats = table_room_[t] * dim;
    auto* here = static_cast<float*>(arena.numbers(floats * sizeof(float)));
    device_->copy(device_->stream(), here, rows.data(), rows.size_bytes());
    tables[t] = {here, floats};
    if (!gradients.empty())
      gradients[t] = {static_cast<float*>(arena.numbers(floats * sizeof(float))), floats};
  }
  step.input.tables = tables;
  step.table_grads = gradients;
  step.results = {static_cast<float*>(arena.numbers(results.size_bytes())), results.size()};
  step.sums = static_cast<double*>(arena.numbers(losses * sizeof(double)));
  device_->zero(device_->stream(), step.sums, losses * sizeof(double));
  return step;
}

void Staging::finish(const Step& step, std::span<float> results,
                     std::span<const std::span<float>> table_grads, std::span<double> sums) {
  if (device_ == nullptr) {
    std::copy_n(step.sums, sums.size(), sums.begin());
    return;
  }
  const Stream stream = device_->stream();
  for (size_t t = 0; t < table_grads.size(); ++t)
    device_->copy(stream, table_grads[t].data(), step.table_grads[t].data(),
                  table_grads[t].size_bytes());
  device_->copy(stream, results.data(), step.results.data(), results.size_bytes());
  device_->copy(stream, sums.data(), step.sums, sums.size_bytes());
  device_->synchronize(stream);
}

}  // namespace cairn::math
