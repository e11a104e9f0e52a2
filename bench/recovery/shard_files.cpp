#include "bench/recovery/shard_files.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <utility>

#include "common/check.h"
#include "common/random.h"
#include "ps/log/file_push_log.h"
#include "ps/system/boot_id.h"

namespace cairn {

namespace {

constexpr uint32_t kDim = 16;
constexpr uint64_t kKeysOfAPush = 16'384;
constexpr size_t kRowsOfARun = 400'000;  // about 64 MB
constexpr ps::Lsn kTableLsn = 1, kBaseLsn = 2;
constexpr ps::Lsn kUnacknowledgedMax = 32;  // records in memory

void expect(const Status& status) { check(status.ok(), status.ok() ? "" : status.error().message); }

// Distinct for every i.
Key key_of(uint64_t i) { return hash_key(i); }

std::shared_ptr<const Message> push_of(uint64_t step, uint64_t distinct, RandomStream& random) {
  std::vector<Key> keys(kKeysOfAPush);
  for (Key& key : keys) key = key_of(random.next_below(distinct));
  std::ranges::sort(keys);
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  const std::vector<float> gradients(keys.size() * kDim, 0.01f);
  auto push = std::make_shared<Message>();
  push->header = {.op = Op::kPush, .sequence = step, .step = step, .tables = 1};
  push->directory = {{.table = 0, .count = static_cast<uint32_t>(keys.size()), .dim = kDim}};
  push->keys = zmq::message_t(keys.data(), keys.size() * sizeof(Key));
  push->values = zmq::message_t(gradients.data(), gradients.size() * sizeof(float));
  return push;
}

// The lsn that the log has acknowledged. Thread safety: full.
class Acknowledged {
 public:
  void set(const Result<ps::Lsn>& lsn) {
    check(lsn.ok(), lsn.ok() ? "" : lsn.error().message);
    {
      const std::lock_guard lock(mutex_);
      lsn_ = lsn.value();
    }
    changed_.notify_one();
  }
  void wait_for(ps::Lsn lsn) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return lsn_ >= lsn; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  ps::Lsn lsn_ = 0;
};

void write_log(const std::filesystem::path& folder, uint64_t logged_rows, uint64_t distinct) {
  Acknowledged acknowledged;
  const auto log = ps::FilePushLog::open({.folder = folder,
                                          .next_lsn = kBaseLsn,
                                          .after = std::nullopt,
                                          .boot_id = ps::kernel_boot_id().value(),
                                          .bytes_max = uint64_t{16} << 30},
                                         [&](Result<ps::Lsn> lsn) { acknowledged.set(lsn); });
  check(log.ok(), log.ok() ? "" : log.error().message);
  log.value()->append({.lsn = kBaseLsn,
                       .kind = ps::RecordKind::kReplayStart,
                       .push = nullptr,
                       .replay_after = kTableLsn,
                       .sequences = {ps::WorkerSequence{}}});
  RandomStream random(1, distinct, logged_rows);
  ps::Lsn lsn = kBaseLsn;
  uint64_t rows = 0;
  for (uint64_t step = 1; rows < logged_rows; ++step) {
    std::shared_ptr<const Message> push = push_of(step, distinct, random);
    rows += push->key_count();
    log.value()->append({.lsn = ++lsn, .push = std::move(push), .sequences = {}});
    if (lsn > kUnacknowledgedMax) acknowledged.wait_for(lsn - kUnacknowledgedMax);
  }
  acknowledged.wait_for(lsn);
}

}  // namespace

std::vector<TableConfig> bench_tables() {
  TableConfig table;
  table.name = "bench";
  table.dim = kDim;
  table.optimizer.name = "adagrad";
  return {table};
}

uint64_t bytes_of_logged_row() { return sizeof(Key) + kDim * sizeof(float); }

std::vector<ps::RowKey> sorted_row_keys(uint64_t rows, uint64_t count) {
  std::vector<ps::RowKey> keys(count);
  for (uint64_t i = 0; i < count; ++i) keys[i] = {0, key_of(i * (rows / count))};
  std::sort(keys.begin(), keys.end());
  return keys;
}

std::unique_ptr<ps::RocksStore> make_table(const std::filesystem::path& folder, uint64_t rows) {
  std::filesystem::remove_all(folder);
  auto store = ps::RocksStore::open(folder, bench_tables());
  check(store.ok(), store.ok() ? "" : store.error().message);
  const size_t floats = store.value()->layouts()[0].floats();
  const std::vector<ps::RowKey> keys = sorted_row_keys(rows, rows);
  ps::FlushFile run{.highest_lsn = kTableLsn};
  run.rows.floats.assign(kRowsOfARun * floats, 0.5f);
  for (size_t first = 0; first < keys.size(); first += kRowsOfARun) {
    run.rows.entries.clear();
    for (size_t i = first; i < std::min(keys.size(), first + kRowsOfARun); ++i)
      run.rows.entries.push_back({.key = keys[i],
                                  .lsn = kTableLsn,
                                  .last_step = 0,
                                  .count = 1,
                                  .offset = (i - first) * floats});
    expect(store.value()->save_flush_file(run));
  }
  return std::move(store).value();
}

BenchShard::BenchShard(std::filesystem::path folder, ps::RocksStore& table, uint64_t logged_rows,
                       uint64_t distinct)
    : folder_(std::move(folder)) {
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(folder_);
  const Result<ps::ShardFiles> linked = table.checkpoint(folder_ / "store");
  check(linked.ok(), linked.ok() ? "" : linked.error().message);
  write_log(folder_ / "log", logged_rows, distinct);
}

BenchShard::~BenchShard() { std::filesystem::remove_all(folder_); }

}  // namespace cairn
