#include "worker/data/text/mapped_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace cairn::data {

Result<MappedFile> MappedFile::open(const std::string& path) {
  // Not to wait for the writer of a FIFO; nothing to a plain file.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return Error{errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kBadData,
                 fmt::format("{}: cannot be read: {}", path, std::strerror(errno))};
  struct stat info {};
  const bool known = ::fstat(fd, &info) == 0;
  if (known && !S_ISREG(info.st_mode)) {
    ::close(fd);
    return Error{ErrorCode::kBadData, fmt::format("{}: is not a regular file", path)};
  }
  const size_t size = known ? static_cast<size_t>(info.st_size) : 0;
  void* memory = size > 0 ? ::mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0) : MAP_FAILED;
  const int why = errno;
  ::close(fd);
  if (known && size == 0) return Error{ErrorCode::kBadData, fmt::format("{}: is empty", path)};
  if (memory == MAP_FAILED)
    return Error{ErrorCode::kBadData,
                 fmt::format("{}: cannot be mapped: {}", path, std::strerror(why))};
  return MappedFile(std::string_view(static_cast<const char*>(memory), size));
}

MappedFile::MappedFile(MappedFile&& other) noexcept : data_(std::exchange(other.data_, {})) {}

MappedFile::~MappedFile() {
  if (!data_.empty()) ::munmap(const_cast<char*>(data_.data()), data_.size());
}

void MappedFile::read_ahead(std::string_view part) {
  const uintptr_t page = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
  const uintptr_t begin = reinterpret_cast<uintptr_t>(part.data()) / page * page;
  const uintptr_t end = reinterpret_cast<uintptr_t>(part.data() + part.size());
  if (end > begin) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_WILLNEED);
}

}  // namespace cairn::data
