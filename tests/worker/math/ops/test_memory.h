// Memory that both a test and the operations under test can touch: the host's, or where a GPU is
// tested what CUDA calls managed.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace cairn::math {

struct TestMemory {
  void* (*allocate)(size_t bytes) = [](size_t bytes) { return ::operator new(bytes); };
  void (*free)(void* block, size_t bytes) = [](void* block, size_t) { ::operator delete(block); };

  static TestMemory& get() {
    static TestMemory memory;
    return memory;
  }
};

template <typename T>
struct TestAllocator {
  using value_type = T;

  TestAllocator() = default;
  template <typename U>
  TestAllocator(const TestAllocator<U>&) {}
  T* allocate(size_t count) {
    return static_cast<T*>(TestMemory::get().allocate(count * sizeof(T)));
  }
  void deallocate(T* block, size_t count) { TestMemory::get().free(block, count * sizeof(T)); }
  friend bool operator==(TestAllocator, TestAllocator) { return true; }
};

template <typename T>
using TestVector = std::vector<T, TestAllocator<T>>;

}  // namespace cairn::math
