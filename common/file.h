// An open file, syncing one, and reading one whole. Errors carry the path and the system's reason.
// Thread safety: none.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

#include "common/result.h"

namespace cairn {

// kUnavailable: "cannot <action> <path>: <errno's text>"; kNotFound where errno says that the path
// does not exist.
Error system_error(std::string_view action, const std::filesystem::path& path, int error_number);

// Owns a file descriptor.
class File {
 public:
  File() = default;
  File(File&& other) noexcept : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)) {}
  File& operator=(File&& other) noexcept;
  ~File();

  // `flags` as of open(2); close-on-exec is added.
  static Result<File> open(const std::filesystem::path& path, int flags, unsigned mode = 0666);

  int fd() const { return fd_; }
  const std::filesystem::path& path() const { return path_; }

  Result<uint64_t> size() const;
  // Both write or read all bytes, or fail. A file that ends early is kCorrupt.
  Status write_at(uint64_t offset, std::string_view bytes);
  Status read_at(uint64_t offset, char* to, size_t bytes) const;
  Status sync();

 private:
  File(int fd, std::filesystem::path path) : fd_(fd), path_(std::move(path)) {}
  int fd_ = -1;
  std::filesystem::path path_;
};

// fsync of a file or folder by path. Errors: kNotFound, kUnavailable.
Status sync_path(const std::filesystem::path& path);

// Errors: kNotFound, kUnavailable; kCorrupt if it is larger than `bytes_max`.
Result<std::string> read_whole_file(const std::filesystem::path& path, uint64_t bytes_max);

}  // namespace cairn
