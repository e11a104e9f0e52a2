// The memory that numbers stand in: the host's, or that of a device. Code outside the operations
// reaches numbers through here alone, and need not ask which it is. Thread safety: the host's is
// safe; a device's belongs to the thread that computes on it.
#pragma once

#include <cstddef>
#include <span>

namespace cairn::math {

class Memory {
 public:
  virtual ~Memory() = default;

  // Aligned to 256 bytes at least. Running out ends the process with the number of bytes.
  virtual void* allocate(size_t bytes) = 0;
  virtual void free(void* block, size_t bytes) = 0;

  // Copy between this memory and the host's. They wait for all work that was given to the device's
  // own stream (worker/math/device/device.h), and are done when they return.
  virtual void read(void* host, const void* here, size_t bytes) = 0;
  virtual void write(void* here, const void* host, size_t bytes) = 0;

  // Whether the host's code may touch it.
  virtual bool is_host() const = 0;

  // Host memory from and to which copies are fastest.
  virtual void* allocate_staging(size_t bytes) = 0;
  virtual void free_staging(void* block, size_t bytes) = 0;

  // Makes existing host memory as fast as staging memory, until `unpin`, which must come before it
  // is freed.
  virtual void pin(void*, size_t) {}
  virtual void unpin(void*) {}

  template <typename T>
  void read(std::span<T> host, const T* here) {
    read(host.data(), here, host.size_bytes());
  }
  template <typename T>
  void write(T* here, std::span<const T> host) {
    write(here, host.data(), host.size_bytes());
  }
};

Memory& host_memory();

}  // namespace cairn::math
