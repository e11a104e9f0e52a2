#include "ps/step/gradient_merge.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "common/values.h"
#include "ps/row/aligned_keys.h"

namespace cairn::ps {

namespace {

Key load_key(const char* at) {
  Key key;
  std::memcpy(&key, at, sizeof key);
  return key;
}

}  // namespace

GradientMerge::GradientMerge(std::span<const GradientPart> parts, size_t dim, size_t block_keys)
    : dim_(dim), block_keys_(block_keys), sums_(block_keys * dim) {
  for (const GradientPart& part : parts) {
    if (part.count == 0) continue;
    parts_.push_back(part);
    heads_.push_back(load_key(part.keys));
  }
}

GradientMerge::Block GradientMerge::next() {
  if (parts_.empty()) return {};
  return parts_.size() == 1 ? next_of_one() : next_of_many();
}

GradientMerge::Block GradientMerge::next_of_one() {
  GradientPart& part = parts_.front();
  const bool as_it_is = part.dtype == ValueType::kFloat32 &&
                        std::bit_cast<uintptr_t>(part.gradients) % alignof(float) == 0;
  const size_t count = as_it_is ? part.count : std::min(part.count, block_keys_);
  const Block block{aligned_keys(part.keys, count, keys_),
                    as_it_is ? reinterpret_cast<const float*>(part.gradients) : sums_.data()};
  if (!as_it_is) widen(part.gradients, part.dtype, sums_.data(), count * dim_);
  part.keys += count * sizeof(Key);
  part.gradients += count * dim_ * size_of(part.dtype);
  part.count -= count;
  if (part.count == 0) parts_.clear();
  return block;
}

GradientMerge::Block GradientMerge::next_of_many() {
  keys_.resize(block_keys_);
  size_t count = 0;
  for (; count < block_keys_ && !parts_.empty(); ++count) {
    const Key key = *std::ranges::min_element(heads_);
    float* sum = sums_.data() + count * dim_;
    keys_[count] = key;
    bool first = true;
    for (size_t p = 0; p < parts_.size();) {
      if (heads_[p] != key) {
        ++p;
        continue;
      }
      GradientPart& part = parts_[p];
      if (first) {
        widen(part.gradients, part.dtype, sum, dim_);
      } else {
        widen_and_add(part.gradients, part.dtype, sum, dim_);
      }
      first = false;
      part.keys += sizeof(Key);
      part.gradients += dim_ * size_of(part.dtype);
      if (--part.count > 0) {
        heads_[p++] = load_key(part.keys);
      } else {
        parts_.erase(parts_.begin() + static_cast<ptrdiff_t>(p));
        heads_.erase(heads_.begin() + static_cast<ptrdiff_t>(p));
      }
    }
  }
  return {{keys_.data(), count}, sums_.data()};
}

}  // namespace cairn::ps
