// Memory of one step: taken in pieces, given back all at once. Once it has met the largest step, it
// asks the system for nothing more. Numbers stand in the memory of the device that computes on them
// (worker/math/tensor/memory.h), objects always in the host's. Thread safety: none; it belongs to
// its worker thread.
#pragma once

#include <cstddef>
#include <new>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "worker/math/tensor/memory.h"
#include "worker/math/tensor/tensor.h"

namespace cairn::math {

class Arena {
 public:
  // Alignment of every piece: a cache line, and the widest vector register.
  static constexpr size_t kAlignment = 64;

  Arena() : Arena(host_memory()) {}
  explicit Arena(Memory& numbers) : objects_(host_memory()), numbers_(numbers) {}
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Bytes of unspecified content, valid until `reset`: for objects, and for numbers.
  void* allocate(size_t bytes) { return shared() ? numbers(bytes) : objects_.allocate(bytes); }
  void* numbers(size_t bytes) { return numbers_.allocate(bytes); }

  Matrix matrix(size_t rows, size_t cols) {
    return {static_cast<float*>(numbers(rows * cols * sizeof(float))), rows, cols};
  }
  // A matrix for a result. In a device's memory its rows begin at multiples of 16 bytes, where
  // products are faster; with few columns they are as fast without.
  Matrix result(size_t rows, size_t cols) {
    if (shared() || cols < 32) return matrix(rows, cols);
    const size_t stride = (cols + 3) / 4 * 4;
    return {static_cast<float*>(numbers(rows * stride * sizeof(float))), rows, cols, stride};
  }
  // Its rows begin at multiples of the alignment, where products are faster.
  RoundedMatrix rounded_matrix(size_t rows, size_t cols) {
    constexpr size_t kUnit = kAlignment / sizeof(Bfloat16);
    const size_t stride = (cols + kUnit - 1) / kUnit * kUnit;
    return {static_cast<Bfloat16*>(numbers(rows * stride * sizeof(Bfloat16))), rows, cols, stride};
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

  // Ends the life of all pieces. Where a step took several blocks they become one.
  void reset();

  Memory& memory() const { return numbers_.memory; }  // where numbers stand
  size_t used_bytes() const { return objects_.used_bytes() + numbers_.used_bytes(); }
  // The most bytes that any step used.
  size_t peak_bytes() const { return objects_.peak + numbers_.peak; }
  size_t blocks_made() const { return objects_.blocks_made + numbers_.blocks_made; }

 private:
  struct Block {
    void* data;
    size_t bytes;
  };
  struct Pool {
    explicit Pool(Memory& memory) : memory(memory) {}
    ~Pool() { free_blocks(); }

    void* allocate(size_t bytes);
    void reset();
    void add_block(size_t bytes);
    void free_blocks();
    size_t used_bytes() const { return used_before + used; }

    Memory& memory;
    std::vector<Block> blocks;  // pieces come from the last
    size_t used = 0;            // bytes of the last block
    size_t used_before = 0;     // bytes of all other blocks
    size_t peak = 0, blocks_made = 0;
  };

  bool shared() const { return numbers_.memory.is_host(); }

  Pool objects_;  // unused where numbers stand in host memory too
  Pool numbers_;
};

}  // namespace cairn::math
