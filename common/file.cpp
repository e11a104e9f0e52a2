#include "common/file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace cairn {

Error system_error(std::string_view action, const std::filesystem::path& path, int error_number) {
  const bool absent = error_number == ENOENT || error_number == ENOTDIR;
  return {absent ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
          fmt::format("cannot {} {}: {}", action, path.string(),
                      std::generic_category().message(error_number))};
}

File& File::operator=(File&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  return *this;
}

File::~File() {
  if (fd_ >= 0) ::close(fd_);
}

Result<File> File::open(const std::filesystem::path& path, int flags, unsigned mode) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, mode);
  if (fd < 0) return system_error("open", path, errno);
  return File(fd, path);
}

Result<uint64_t> File::size() const {
  struct stat status;
  if (::fstat(fd_, &status) != 0) return system_error("examine", path_, errno);
  return static_cast<uint64_t>(status.st_size);
}

Status File::write_at(uint64_t offset, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(fd_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return system_error("write", path_, errno);
    bytes.remove_prefix(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return Ok{};
}

Status File::read_at(uint64_t offset, char* to, size_t bytes) const {
  while (bytes > 0) {
    const ssize_t got = ::pread(fd_, to, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error("read", path_, errno);
    if (got == 0)
      return Error{ErrorCode::kCorrupt,
                   fmt::format("{} ends at byte {}, {} missing", path_.string(), offset, bytes)};
    to += got;
    offset += static_cast<uint64_t>(got);
    bytes -= static_cast<size_t>(got);
  }
  return Ok{};
}

Status File::sync() {
  if (::fsync(fd_) != 0) return system_error("sync", path_, errno);
  return Ok{};
}

Status sync_path(const std::filesystem::path& path) {
  Result<File> file = File::open(path, O_RDONLY);
  if (!file.ok()) return file.error();
  return file.value().sync();
}

Result<std::string> read_whole_file(const std::filesystem::path& path, uint64_t bytes_max) {
  Result<File> file = File::open(path, O_RDONLY);
  if (!file.ok()) return file.error();
  Result<uint64_t> size = file.value().size();
  if (!size.ok()) return size.error();
  if (size.value() > bytes_max)
    return Error{ErrorCode::kCorrupt, fmt::format("{} has {} bytes, more than the {} it may have",
                                                  path.string(), size.value(), bytes_max)};
  std::string bytes(size.value(), '\0');
  const Status read = file.value().read_at(0, bytes.data(), bytes.size());
  if (!read.ok()) return read.error();
  return bytes;
}

}  // namespace cairn
