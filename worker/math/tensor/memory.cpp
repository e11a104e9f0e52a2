#include "worker/math/tensor/memory.h"

#include <sys/mman.h>

#include <cstring>
#include <new>

namespace cairn::math {
namespace {

constexpr std::align_val_t kHugePage{size_t{2} << 20};

class HostMemory final : public Memory {
 public:
  // On huge pages, where the system has them: a step walks through all of its memory.
  void* allocate(size_t bytes) override {
    void* block = ::operator new(bytes, kHugePage);
    (void)madvise(block, bytes, MADV_HUGEPAGE);  // only advice: small pages work too
    return block;
  }
  void free(void* block, size_t) override { ::operator delete(block, kHugePage); }
  void read(void* host, const void* here, size_t bytes) override { copy(host, here, bytes); }
  void write(void* here, const void* host, size_t bytes) override { copy(here, host, bytes); }
  bool is_host() const override { return true; }
  void* allocate_staging(size_t bytes) override { return allocate(bytes); }
  void free_staging(void* block, size_t bytes) override { free(block, bytes); }

 private:
  static void copy(void* to, const void* from, size_t bytes) {
    if (bytes > 0) std::memcpy(to, from, bytes);
  }
};

}  // namespace

Memory& host_memory() {
  static HostMemory memory;
  return memory;
}

}  // namespace cairn::math
