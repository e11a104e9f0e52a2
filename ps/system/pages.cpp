#include "ps/system/pages.h"

#include <sys/mman.h>

#include <cstdint>

#include "common/check.h"

namespace cairn::ps {

Pages::Pages(size_t bytes, bool huge, size_t small_bytes) {
  if (bytes == 0) return;
  // Whole huge pages, and room to start at one: a part of one would lie on small pages.
  const size_t whole = huge ? (bytes + kHugePage - 1) / kHugePage * kHugePage : bytes;
  mapped_bytes_ = huge ? whole + kHugePage : whole;
  mapping_ = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  check(mapping_ != MAP_FAILED, "no memory for rows: lower ps.hot_bytes");
  data_ = static_cast<std::byte*>(mapping_);
  if (!huge) return;
  const size_t past = reinterpret_cast<uintptr_t>(data_) % kHugePage;
  if (past != 0) data_ += kHugePage - past;
  if (small_bytes >= whole) return;
  // Advice: a kernel without huge pages refuses it, and small ones serve as well, slower.
  madvise(data_ + small_bytes, whole - small_bytes, MADV_HUGEPAGE);
}

Pages::~Pages() {
  if (mapping_ != nullptr) munmap(mapping_, mapped_bytes_);
}

}  // namespace cairn::ps
