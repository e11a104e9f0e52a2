// Memory of one step: taken in pieces, given back all at once. After the largest step has been seen
// it asks the system for nothing any more. Thread safety: none; it belongs to its worker thread.
#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "worker/tensor/tensor.h"

namespace cairn {

class Arena {
 public:
  // Of every piece: a cache line, and the widest vector register.
  static constexpr size_t kAlignment = 64;

  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Bytes of unspecified content, valid until `reset`.
  void* allocate(size_t bytes);

  Matrix matrix(size_t rows, size_t cols) {
    return {static_cast<float*>(allocate(rows * cols * sizeof(float))), rows, cols};
  }
  // Rows begin at multiples of the alignment, at which products of them are faster.
  RoundedMatrix rounded_matrix(size_t rows, size_t cols) {
    constexpr size_t kUnit = kAlignment / sizeof(Bfloat16);
    const size_t stride = (cols + kUnit - 1) / kUnit * kUnit;
    return {static_cast<Bfloat16*>(allocate(rows * stride * sizeof(Bfloat16))), rows, cols, stride};
  }
  // Copies or makes a T, whose destructor will not run.
  template <typename T, typename... Args>
  T* make(Args&&... args) {
    static_assert(std::is_trivially_destructible_v<T>);
    return new (allocate(sizeof(T))) T(std::forward<Args>(args)...);
  }
  template <typename T>
  std::span<T> array(size_t count) {
    static_assert(std::is_trivially_destructible_v<T>);
    T* first = static_cast<T*>(allocate(count * sizeof(T)));
    for (size_t i = 0; i < count; ++i) new (first + i) T();
    return {first, count};
  }

  // Ends the life of all pieces. Where a step overflowed into several blocks they become one.
  void reset();

  size_t used_bytes() const { return used_before_ + used_; }
  size_t peak_bytes() const { return peak_; }  // the largest that any step used
  size_t blocks_made() const { return blocks_made_; }

 private:
  struct Free {
    void operator()(std::byte* block) const;
  };
  struct Block {
    std::unique_ptr<std::byte, Free> data;
    size_t bytes = 0;
  };
  void add_block(size_t bytes);

  std::vector<Block> blocks_;  // pieces come from the last
  size_t used_ = 0;            // of the last block
  size_t used_before_ = 0;     // of all others
  size_t peak_ = 0;
  size_t blocks_made_ = 0;
};

}  // namespace cairn
