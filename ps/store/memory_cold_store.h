// A cold store in memory, for tests: calls are completed when the test says so, in any order, and
// fail when the test says so.
#pragma once

#include <cstddef>
#include <deque>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ps/store/cold_store.h"

namespace cairn::ps {

// Thread safety: none; completions are called inside `complete`.
class MemoryColdStore final : public ColdStore {
 public:
  struct StoredValue {
    RowBatch::Entry entry;
    std::vector<float> floats;
  };
  using Rows = std::map<RowKey, StoredValue>;

  // `layouts` are those of the tables.
  explicit MemoryColdStore(std::vector<RowLayout> layouts);

  void read(std::vector<RowKey> keys, std::function<void(Result<RowBatch>)> done) override;
  void scan(std::vector<uint32_t> slots, std::function<void(Result<RowBatch>)> done) override;
  void save_flush_file(FlushFile run, std::function<void(Status)> done) override;
  void drop_filters(Lsn below, std::function<void(Status)> done) override;
  void checkpoint(const std::filesystem::path& folder,
                  std::function<void(Result<ShardFiles>)> done) override;
  bool empty() const override { return rows_.empty(); }
  uint32_t backlog() const override { return backlog_; }

  // Calls that are under way, oldest first.
  size_t pending() const { return calls_.size(); }
  // Carries out the call at `index` and calls its completion. A write happens only now. Every other
  // read looks only now; the reads between looked when asked, like a thread that was then held up.
  void complete(size_t index = 0);
  void complete_all();
  // Does as `complete`, but the call fails and changes nothing.
  void fail(size_t index, const Error& error);
  // The process dies: nothing under way is carried out, and no completion is called.
  void crash() { calls_.clear(); }

  void set_backlog(uint32_t files) { backlog_ = files; }
  const Rows& rows() const { return rows_; }
  std::vector<SlotFilter> filters(Lsn version) const;
  // The rows of the checkpoint in `folder`; null if there is none.
  const Rows* rows_in(const std::filesystem::path& folder) const;

 private:
  struct Call {
    std::function<void()> run;
    std::function<void(const Error&)> fail;
  };
  Call take(size_t index);
  Result<RowBatch> read_now(const std::vector<RowKey>& keys) const;
  Result<RowBatch> scan_now(const std::vector<uint32_t>& slots) const;
  void save_now(const FlushFile& run);
  Result<ShardFiles> checkpoint_now(const std::filesystem::path& folder);

  const std::vector<RowLayout> layouts_;
  Rows rows_;
  std::map<Lsn, std::map<std::pair<uint32_t, uint32_t>, std::string>> filters_;  // by version
  std::map<std::filesystem::path, Rows> checkpoints_;
  std::deque<Call> calls_;
  uint32_t backlog_ = 0;
  bool looks_at_once_ = false;  // the next read
};

}  // namespace cairn::ps
