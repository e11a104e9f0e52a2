#include "tests/ps/system/faulty_files.h"

#include <algorithm>
#include <cstring>

#include "common/check.h"

namespace cairn::ps {

namespace {

constexpr size_t kSector = 512;

Error failed(const std::string& what) {
  return {ErrorCode::kUnavailable, what + ": no, by a fault"};
}

}  // namespace

struct FaultyFiles::Node {
  struct Write {
    uint64_t offset;
    std::vector<char> bytes;
  };
  std::vector<char> live, synced;
  std::vector<Write> unsynced;

  void write(uint64_t offset, std::span<const char> bytes) {
    if (bytes.empty()) return;
    if (live.size() < offset + bytes.size()) live.resize(offset + bytes.size());
    std::memcpy(live.data() + offset, bytes.data(), bytes.size());
    unsynced.push_back({offset, {bytes.begin(), bytes.end()}});
  }
  void sync() {
    synced = live;
    unsynced.clear();
  }
  // A power cut keeps any sectors of any writes; the file may have its former size.
  void lose_unsynced(RandomStream& random) {
    const bool grown = random.next_below(2) == 0;
    const uint64_t keeps = random.next_below(4);  // none of them to most
    if (grown) synced.resize(live.size());
    for (const Write& write : unsynced)
      for (size_t at = 0; at < write.bytes.size(); at += kSector) {
        const size_t bytes = std::min(kSector, write.bytes.size() - at);
        if (random.next_below(4) >= keeps || write.offset + at + bytes > synced.size()) continue;
        std::memcpy(synced.data() + write.offset + at, write.bytes.data() + at, bytes);
      }
    live = synced;
    unsynced.clear();
  }
};

class FaultyFiles::OpenFile final : public StorageFile {
 public:
  OpenFile(FaultyFiles& files, std::shared_ptr<Node> node, std::string path, bool direct)
      : files_(files), node_(std::move(node)), path_(std::move(path)), direct_(direct) {}

  Status write_at(uint64_t offset, std::span<const char> bytes) override {
    if (direct_)
      check(offset % 4096 == 0 && bytes.size() % 4096 == 0 &&
                reinterpret_cast<uintptr_t>(bytes.data()) % 4096 == 0,
            "direct I/O is aligned");
    const std::lock_guard lock(files_.mutex_);
    const Verdict verdict = files_.next_operation();
    if (verdict == Verdict::kDone) node_->write(offset, bytes);
    if (verdict == Verdict::kPart)
      for (size_t at = 0; at < bytes.size(); at += kSector)
        if (files_.random_.next_below(2) == 0)
          node_->write(offset + at, bytes.subspan(at, std::min(kSector, bytes.size() - at)));
    return verdict == Verdict::kDone ? Status(Ok{}) : Status(failed("write " + path_));
  }
  Status read_at(uint64_t offset, std::span<char> to) const override {
    const std::lock_guard lock(files_.mutex_);
    if (offset + to.size() > node_->live.size())
      return Error{ErrorCode::kCorrupt, path_ + " ends early"};
    if (!to.empty()) std::memcpy(to.data(), node_->live.data() + offset, to.size());
    return Ok{};
  }
  Status sync() override {
    const std::lock_guard lock(files_.mutex_);
    const Verdict verdict = files_.next_operation();
    if (verdict == Verdict::kDone) node_->sync();
    // A kernel may drop the pages that it could not write, and call the next sync a success.
    if (verdict == Verdict::kPart && !files_.ended_) node_->lose_unsynced(files_.random_);
    return verdict == Verdict::kDone ? Status(Ok{}) : Status(failed("sync " + path_));
  }
  Result<uint64_t> size() const override {
    const std::lock_guard lock(files_.mutex_);
    return uint64_t{node_->live.size()};
  }

 private:
  FaultyFiles& files_;
  const std::shared_ptr<Node> node_;
  const std::string path_;
  const bool direct_;
};

FaultyFiles::FaultyFiles(uint64_t seed) : random_(seed, 99) {}
FaultyFiles::~FaultyFiles() = default;

FaultyFiles::Verdict FaultyFiles::next_operation() {
  ++operations_;
  if (ended_) return Verdict::kNothing;
  if (operations_ != fails_at_) return Verdict::kDone;
  ended_ = fault_ == Fault::kEnd;
  return Verdict::kPart;
}

Result<std::unique_ptr<StorageFile>> FaultyFiles::open(const std::filesystem::path& path,
                                                       Access access) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(path.string());
  if (found == names_.end()) return Error{ErrorCode::kNotFound, "no file " + path.string()};
  return std::unique_ptr<StorageFile>(std::make_unique<OpenFile>(
      *this, found->second, path.string(), access == Access::kWriteDirect));
}

Result<std::unique_ptr<StorageFile>> FaultyFiles::create(const std::filesystem::path& path,
                                                         uint64_t bytes, Access access) {
  const std::lock_guard lock(mutex_);
  if (access == Access::kWriteDirect && refuses_direct_)
    return Error{ErrorCode::kInvalidArgument, path.string() + ": no direct I/O"};
  if (names_.contains(path.string())) return failed("create " + path.string() + ", which exists");
  const auto node = std::make_shared<Node>();
  node->live.resize(bytes);
  if (Status created = change({"", path.string(), node}); !created.ok()) return created.error();
  return std::unique_ptr<StorageFile>(
      std::make_unique<OpenFile>(*this, node, path.string(), access == Access::kWriteDirect));
}

Status FaultyFiles::rename(const std::filesystem::path& from, const std::filesystem::path& to) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(from.string());
  if (found == names_.end()) return Error{ErrorCode::kNotFound, "no file " + from.string()};
  return change({from.string(), to.string(), found->second});
}

Status FaultyFiles::remove(const std::filesystem::path& path) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(path.string());
  if (found == names_.end()) return Error{ErrorCode::kNotFound, "no file " + path.string()};
  return change({path.string(), "", found->second});
}

Status FaultyFiles::change(NameChange change) {
  const Verdict verdict = next_operation();
  // A name is changed or not, and where the process dies it may have been either.
  const bool done =
      verdict == Verdict::kDone || (verdict == Verdict::kPart && random_.next_below(2) == 0);
  if (done && apply(names_, change)) unsynced_.push_back(change);
  return verdict == Verdict::kDone ? Status(Ok{}) : Status(failed("change " + change.to));
}

bool FaultyFiles::apply(Names& names, const NameChange& change) {
  if (!change.from.empty()) {
    const auto found = names.find(change.from);
    if (found == names.end() || found->second != change.node) return false;
    names.erase(found);
  }
  if (!change.to.empty()) names[change.to] = change.node;
  return true;
}

Result<std::vector<std::string>> FaultyFiles::list(const std::filesystem::path& folder) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [path, node] : names_)
    if (std::filesystem::path(path).parent_path() == folder)
      names.push_back(std::filesystem::path(path).filename());
  return names;
}

Status FaultyFiles::create_folder(const std::filesystem::path&) { return Ok{}; }

Status FaultyFiles::sync_folder(const std::filesystem::path& folder) {
  const std::lock_guard lock(mutex_);
  if (next_operation() != Verdict::kDone) return failed("sync " + folder.string());
  synced_names_ = names_;
  unsynced_.clear();
  return Ok{};
}

void FaultyFiles::fail_at(uint64_t operation, Fault fault) {
  const std::lock_guard lock(mutex_);
  operations_ = 0;
  fails_at_ = operation;
  fault_ = fault;
}

uint64_t FaultyFiles::operations() const {
  const std::lock_guard lock(mutex_);
  return operations_;
}

bool FaultyFiles::fault_met() const {
  const std::lock_guard lock(mutex_);
  return fails_at_ > 0 && operations_ >= fails_at_;
}

void FaultyFiles::restart(Death death) {
  const std::lock_guard lock(mutex_);
  ended_ = false;
  fails_at_ = 0;
  if (death == Death::kPower) {
    for (const NameChange& change : unsynced_)
      if (random_.next_below(2) == 0) apply(synced_names_, change);
    names_ = synced_names_;
    unsynced_.clear();
    for (const auto& [path, node] : names_) node->lose_unsynced(random_);
  }
}

std::vector<char>& FaultyFiles::content(const std::filesystem::path& path) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(path.string());
  check(found != names_.end(), path.string());
  return found->second->live;
}

std::vector<std::filesystem::path> FaultyFiles::paths() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::filesystem::path> paths;
  for (const auto& [path, node] : names_) paths.emplace_back(path);
  return paths;
}

}  // namespace cairn::ps
