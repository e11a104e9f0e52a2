#include "common/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <system_error>

namespace cairn {
namespace {

Error failed(const char* what, const std::filesystem::path& path, int number) {
  return {ErrorCode::kUnavailable,
          fmt::format("cannot {} {}: {}", what, path.string(), std::strerror(number))};
}

// 0, or the errno of what failed.
int write_and_sync(int file, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    content.remove_prefix(static_cast<size_t>(written));
  }
  return ::fsync(file) == 0 ? 0 : errno;
}

// The rename is durable once its folder is. 0, or the errno of what failed.
int sync_folder(const std::filesystem::path& path) {
  const int folder = ::open(path.empty() ? "." : path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0) return errno;
  const int number = ::fsync(folder) == 0 ? 0 : errno;
  ::close(folder);
  return number;
}

}  // namespace

Status write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  if (path.has_parent_path()) {
    std::error_code error;
    std::filesystem::create_directories(path.parent_path(), error);
    if (error) return failed("make the folder", path.parent_path(), error.value());
  }
  // The process in the name, as two may write the same file.
  std::filesystem::path temporary = path;
  temporary += fmt::format(".{}.tmp", ::getpid());
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return failed("write", path, errno);
  int number = write_and_sync(file, content);
  if (::close(file) != 0 && number == 0) number = errno;
  if (number == 0 && std::rename(temporary.c_str(), path.c_str()) != 0) number = errno;
  if (number != 0) {
    ::unlink(temporary.c_str());
    return failed("write", path, number);
  }
  number = sync_folder(path.parent_path());
  if (number != 0) return failed("sync the folder of", path, number);
  return Ok{};
}

}  // namespace cairn
