#include "ps/system/system_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "common/file.h"

namespace cairn::ps {

namespace fs = std::filesystem;

namespace {

Error direct_refused(const fs::path& path) {
  return {ErrorCode::kInvalidArgument,
          fmt::format("{}: the file system refuses direct I/O", path.string())};
}

class SystemFile final : public StorageFile {
 public:
  SystemFile(File file, bool direct) : file_(std::move(file)), direct_(direct) {}

  Status write_at(uint64_t offset, std::span<const char> bytes) override {
    while (!bytes.empty()) {
      const ssize_t written =
          ::pwrite(file_.fd(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0 && errno == EINVAL && direct_) return direct_refused(file_.path());
      if (written < 0) return system_error("write", file_.path(), errno);
      bytes = bytes.subspan(static_cast<size_t>(written));
      offset += static_cast<uint64_t>(written);
    }
    return Ok{};
  }
  Status read_at(uint64_t offset, std::span<char> to) const override {
    return file_.read_at(offset, to.data(), to.size());
  }
  Status sync() override {
    if (::fdatasync(file_.fd()) != 0) return system_error("sync", file_.path(), errno);
    return Ok{};
  }
  Result<uint64_t> size() const override { return file_.size(); }

 private:
  File file_;
  const bool direct_;
};

class SystemFiles final : public FileLayer {
 public:
  Result<std::unique_ptr<StorageFile>> open(const fs::path& path, Access access) override {
    Result<File> file = File::open(path, access == Access::kRead ? O_RDONLY : O_RDWR);
    if (!file.ok()) return file.error();
    return opened(std::move(file).value(), access);
  }

  Result<std::unique_ptr<StorageFile>> create(const fs::path& path, uint64_t bytes,
                                              Access access) override {
    Result<File> file = File::open(path, O_RDWR | O_CREAT | O_EXCL);
    if (!file.ok()) return file.error();
    const int fd = file.value().fd();
    // Without preallocation, a full disk is found by the writes.
    if (bytes > 0 && ::fallocate(fd, 0, 0, static_cast<off_t>(bytes)) != 0) {
      if (errno != EOPNOTSUPP) return system_error("preallocate", path, errno);
      if (::ftruncate(fd, static_cast<off_t>(bytes)) != 0)
        return system_error("preallocate", path, errno);
    }
    auto result = opened(std::move(file).value(), access);
    if (!result.ok()) ::unlink(path.c_str());  // for another attempt, without direct I/O
    return result;
  }

  Status rename(const fs::path& from, const fs::path& to) override {
    if (::rename(from.c_str(), to.c_str()) != 0) return system_error("rename", from, errno);
    return Ok{};
  }

  Status remove(const fs::path& path) override {
    if (::unlink(path.c_str()) != 0) return system_error("remove", path, errno);
    return Ok{};
  }

  Result<std::vector<std::string>> list(const fs::path& folder) override {
    std::error_code error;
    std::vector<std::string> names;
    fs::directory_iterator entries(folder, error);
    for (; !error && entries != fs::directory_iterator(); entries.increment(error))
      names.push_back(entries->path().filename());
    if (error) return system_error("list", folder, error.value());
    return names;
  }

  Status create_folder(const fs::path& folder) override {
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) return system_error("create", folder, error.value());
    return Ok{};
  }

  Status sync_folder(const fs::path& folder) override { return sync_path(folder); }

 private:
  static Result<std::unique_ptr<StorageFile>> opened(File file, Access access) {
    const bool direct = access == Access::kWriteDirect;
    if (direct && ::fcntl(file.fd(), F_SETFL, O_DIRECT) != 0) return direct_refused(file.path());
    return std::unique_ptr<StorageFile>(std::make_unique<SystemFile>(std::move(file), direct));
  }
};

}  // namespace

FileLayer& system_files() {
  static SystemFiles files;
  return files;
}

}  // namespace cairn::ps
