// The sizes of a tensor's axes. Thread safety: plain values.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <string>

#include "common/check.h"

namespace cairn::math {

inline constexpr size_t kRankMax = 6;

using Strides = std::array<size_t, kRankMax>;

class Shape {
 public:
  Shape() = default;  // that of a single number
  Shape(std::initializer_list<size_t> sizes) {
    for (const size_t size : sizes) append(size);
  }

  size_t rank() const { return rank_; }
  size_t operator[](size_t axis) const { return sizes_[axis]; }
  size_t& operator[](size_t axis) { return sizes_[axis]; }
  const size_t* begin() const { return sizes_.data(); }
  const size_t* end() const { return sizes_.data() + rank_; }
  void append(size_t size) {
    check(rank_ < kRankMax, "a tensor has too many axes");
    sizes_[rank_++] = size;
  }
  size_t size() const {  // elements
    size_t product = 1;
    for (const size_t size : *this) product *= size;
    return product;
  }
  std::string text() const;  // "[2, 3]"
  friend bool operator==(const Shape& a, const Shape& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  }

 private:
  std::array<size_t, kRankMax> sizes_ = {};
  size_t rank_ = 0;
};

Strides row_major(const Shape& shape);

// The shape that both broadcast to, as in NumPy: shapes are aligned at the last axis, and sizes of
// 1 stretch. Where there is none, it ends the process with a message that names both.
Shape broadcast(const Shape& a, const Shape& b, const char* operation);

// "add: shapes [2, 3] and [4] do not fit"
[[noreturn]] void shapes_differ(const char* operation, const Shape& a, const Shape& b);

}  // namespace cairn::math
