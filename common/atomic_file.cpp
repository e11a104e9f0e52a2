#include "common/atomic_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <system_error>

#include "common/file.h"

namespace cairn {
namespace {

Status write_and_sync(const std::filesystem::path& path, std::string_view content) {
  Result<File> file = File::open(path, O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.ok()) return file.error();
  if (const Status written = file.value().write_at(0, content); !written.ok()) return written;
  return file.value().sync();
}

// For a writer, a folder that is not there is one that cannot be written to.
Error unavailable(const Error& error) { return {ErrorCode::kUnavailable, error.message}; }

}  // namespace

Status write_file_atomically(const std::filesystem::path& path, std::string_view content) {
  const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : ".";
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return unavailable(system_error("make the folder", folder, error.value()));
  // The process in the name, as two may write the same file.
  std::filesystem::path temporary = path;
  temporary += fmt::format(".{}.tmp", ::getpid());
  Status written = write_and_sync(temporary, content);
  if (written.ok() && std::rename(temporary.c_str(), path.c_str()) != 0)
    written = system_error("write", path, errno);
  if (!written.ok()) {
    ::unlink(temporary.c_str());
    return unavailable(written.error());
  }
  // The rename is durable once its folder is.
  if (const Status synced = sync_path(folder); !synced.ok()) return unavailable(synced.error());
  return Ok{};
}

}  // namespace cairn
