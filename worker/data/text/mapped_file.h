// A plain file as memory, read-only. The file must not be cut short while it is mapped.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"

namespace cairn::data {

// Movable; the mapping lives as long as its owner. Thread safety: reads from any thread.
class MappedFile {
 public:
  // Errors: kNotFound, kBadData (no regular file, empty, or it cannot be mapped), naming `path`.
  static Result<MappedFile> open(const std::string& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&&) = delete;

  std::string_view data() const { return data_; }

  // Tells the kernel that `part` of data() is read soon.
  static void read_ahead(std::string_view part);

 private:
  explicit MappedFile(std::string_view data) : data_(data) {}
  std::string_view data_;
};

}  // namespace cairn::data
