// An array of numbers in the memory of the device that computes on them
// (worker/math/tensor/memory.h), zero at first. Thread safety: that of its memory.
#pragma once

#include <cstddef>
#include <span>
#include <type_traits>
#include <vector>

#include "worker/math/tensor/memory.h"

namespace cairn::math {

template <typename T>
class NumberBuffer {
 public:
  static_assert(std::is_trivially_copyable_v<T>);

  // `memory` outlives it.
  NumberBuffer(Memory& memory, size_t size) : NumberBuffer(memory, std::vector<T>(size)) {}
  NumberBuffer(Memory& memory, const std::vector<T>& values)
      : memory_(memory), size_(values.size()) {
    if (size_ == 0) return;
    data_ = static_cast<T*>(memory.allocate(size_ * sizeof(T)));
    memory.write(data_, values.data(), size_ * sizeof(T));
  }
  ~NumberBuffer() {
    if (data_ != nullptr) memory_.free(data_, size_ * sizeof(T));
  }
  NumberBuffer(const NumberBuffer&) = delete;
  NumberBuffer& operator=(const NumberBuffer&) = delete;

  std::span<T> span() { return {data_, size_}; }
  size_t size() const { return size_; }
  // A copy in the host's memory. It waits for all work given before.
  std::vector<T> to_host() const {
    std::vector<T> host(size_);
    if (size_ > 0) memory_.read(host.data(), data_, size_ * sizeof(T));
    return host;
  }

 private:
  Memory& memory_;
  size_t size_;
  T* data_ = nullptr;
};

}  // namespace cairn::math
