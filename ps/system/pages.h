// Zeroed memory straight from the kernel, which gives it page by page when it is first touched.
// Thread safety: none.
#pragma once

#include <cstddef>
#include <utility>

namespace cairn::ps {

class Pages {
 public:
  Pages() = default;
  static constexpr size_t kHugePage = size_t{2} << 20;

  // Takes huge pages where `huge` is set and the system has them, otherwise small pages. The first
  // `small_bytes` are small pages, so that a mapping that is used little takes little. Only address
  // space is taken at once; where there is none, a check fails.
  Pages(size_t bytes, bool huge, size_t small_bytes = 0);
  ~Pages();
  Pages(Pages&& other) noexcept { swap(other); }
  Pages& operator=(Pages&& other) noexcept {
    swap(other);
    return *this;
  }

  std::byte* data() const { return data_; }

 private:
  void swap(Pages& other) {
    std::swap(mapping_, other.mapping_);
    std::swap(mapped_bytes_, other.mapped_bytes_);
    std::swap(data_, other.data_);
  }

  void* mapping_ = nullptr;
  size_t mapped_bytes_ = 0;
  std::byte* data_ = nullptr;  // inside the mapping, at the start of a huge page
};

}  // namespace cairn::ps
