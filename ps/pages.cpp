#include "ps/pages.h"

#include <sys/mman.h>

#include <cstdint>

#include "common/check.h"

namespace cairn {

namespace {
constexpr size_t kHugePage = size_t{2} << 20;
}

Pages::Pages(size_t bytes, bool huge) {
  if (bytes == 0) return;
  mapped_bytes_ = huge ? bytes + kHugePage : bytes;  // room to start at a huge page
  mapping_ =
      mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  check(mapping_ != MAP_FAILED, "no memory for rows: lower ps.hot_bytes");
  data_ = static_cast<std::byte*>(mapping_);
  if (!huge) return;
  const size_t past = reinterpret_cast<uintptr_t>(data_) % kHugePage;
  if (past != 0) data_ += kHugePage - past;
  // Advice: a kernel without huge pages refuses it, and small ones serve as well, slower.
  madvise(data_, bytes, MADV_HUGEPAGE);
}

Pages::~Pages() {
  if (mapping_ != nullptr) munmap(mapping_, mapped_bytes_);
}

}  // namespace cairn
