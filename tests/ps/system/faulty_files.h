// Files in memory that fail as disks and kernels do. The power goes, and any part of the unsynced
// bytes is gone or torn. The disk is full, a write is cut short, a sync fails.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/random.h"
#include "ps/system/file_layer.h"

namespace cairn::ps {

// Thread safety: `restart`, `damage` and `content` while no one else uses the files; any thread may
// make the other calls.
class FaultyFiles final : public FileLayer {
 public:
  explicit FaultyFiles(uint64_t seed);
  ~FaultyFiles() override;

  Result<std::unique_ptr<StorageFile>> open(const std::filesystem::path& path,
                                            Access access) override;
  Result<std::unique_ptr<StorageFile>> create(const std::filesystem::path& path, uint64_t bytes,
                                              Access access) override;
  Status rename(const std::filesystem::path& from, const std::filesystem::path& to) override;
  Status remove(const std::filesystem::path& path) override;
  Result<std::vector<std::string>> list(const std::filesystem::path& folder) override;
  Status create_folder(const std::filesystem::path& folder) override;
  Status sync_folder(const std::filesystem::path& folder) override;

  enum class Fault : uint8_t {
    kEnd,    // the process or the host dies in this operation: a part of it is done, nothing after
    kError,  // it fails, a part of it done; what comes after succeeds
  };
  // The `operation`-th change from here on, counted from 1, fails. A failed sync drops what it
  // should have kept.
  void fail_at(uint64_t operation, Fault fault);
  // Changes tried since `fail_at`.
  uint64_t operations() const;
  bool fault_met() const;

  enum class Death : uint8_t {
    kProcess,  // the kernel keeps all that was written
    kPower,    // of what was not synced, any sectors and any names may be kept
  };
  // The files that the next process finds. No fault is set any more.
  void restart(Death death);

  void refuse_direct() { refuses_direct_ = true; }

  // The bytes and names as the next process would find them.
  std::vector<char>& content(const std::filesystem::path& path);
  std::vector<std::filesystem::path> paths() const;

 private:
  struct Node;
  class OpenFile;
  struct NameChange {
    std::string from, to;  // empty: created; removed
    std::shared_ptr<Node> node;
  };
  using Names = std::map<std::string, std::shared_ptr<Node>>;

  // Whether an operation may go on, and how much of it is done where it may not.
  enum class Verdict : uint8_t { kDone, kPart, kNothing };
  Verdict next_operation();
  Status change(NameChange change);
  static bool apply(Names& names, const NameChange& change);

  mutable std::mutex mutex_;  // of all below
  RandomStream random_;
  Names names_, synced_names_;
  std::vector<NameChange> unsynced_;
  uint64_t operations_ = 0, fails_at_ = 0;
  Fault fault_ = Fault::kError;
  bool ended_ = false;
  bool refuses_direct_ = false;
};

}  // namespace cairn::ps
