// The few things that the push log does with files, as an interface. SystemFiles
// (ps/system/system_files.h) does them. The tests' layer (tests/ps/system/faulty_files.h) cuts the
// power, fills the disk and tears what was not synced. All calls block.
//
// Thread safety: any thread may use a layer; one thread at a time uses a file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "common/result.h"

namespace cairn::ps {

class StorageFile {
 public:
  virtual ~StorageFile() = default;

  // Writes all of `bytes`. After an error any part of them may be written. A file opened for direct
  // I/O wants offset, address and size in multiples of 4 KiB. Errors: kUnavailable;
  // kInvalidArgument where the system refuses direct I/O.
  virtual Status write_at(uint64_t offset, std::span<const char> bytes) = 0;

  // Fills all of `to`. Errors: kUnavailable; kCorrupt where the file ends before.
  virtual Status read_at(uint64_t offset, std::span<char> to) const = 0;

  // The bytes written, and the file's size, survive the loss of power from here on. The name does
  // once the folder is synced. Errors: kUnavailable; the bytes written may then be gone for good.
  virtual Status sync() = 0;

  virtual Result<uint64_t> size() const = 0;
};

class FileLayer {
 public:
  enum class Access : uint8_t { kRead, kWrite, kWriteDirect };

  virtual ~FileLayer() = default;

  // Errors of both: kNotFound, kUnavailable; kInvalidArgument where the system refuses direct I/O.
  virtual Result<std::unique_ptr<StorageFile>> open(const std::filesystem::path& path,
                                                    Access access) = 0;
  // A new file of `bytes` zeros, whose blocks are reserved where the file system can do that.
  virtual Result<std::unique_ptr<StorageFile>> create(const std::filesystem::path& path,
                                                      uint64_t bytes, Access access) = 0;

  // Replaces a file that has the name `to`. Errors of all below: kNotFound, kUnavailable.
  virtual Status rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  virtual Status remove(const std::filesystem::path& path) = 0;
  // The names of files in a folder, in any order.
  virtual Result<std::vector<std::string>> list(const std::filesystem::path& folder) = 0;
  // Creates missing folders above it too.
  virtual Status create_folder(const std::filesystem::path& folder) = 0;
  // Names given and taken in it survive the loss of power from here on.
  virtual Status sync_folder(const std::filesystem::path& folder) = 0;
};

}  // namespace cairn::ps
