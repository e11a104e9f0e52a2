#include "ps/recovery/recovery_reads.h"

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>

namespace cairn::ps {

namespace {

// Keys of a part: enough that a part is long beside its handing over, few enough that the rows of
// those under way stay small.
constexpr size_t kPartKeys = 16'384;

// Parts end at the end of a slot.
std::vector<std::span<const RowKey>> parts_of(std::span<const RowKey> keys) {
  std::vector<std::span<const RowKey>> parts;
  while (!keys.empty()) {
    size_t count = std::min(kPartKeys, keys.size());
    while (count < keys.size() && slot_of(keys[count].key) == slot_of(keys[count - 1].key)) ++count;
    parts.push_back(keys.first(count));
    keys = keys.subspan(count);
  }
  return parts;
}

void append(RowBatch& to, const RowBatch& batch) {
  for (RowBatch::Entry entry : batch.entries) {
    entry.offset += to.floats.size();
    to.entries.push_back(entry);
  }
  to.floats.insert(to.floats.end(), batch.floats.begin(), batch.floats.end());
}

// Parts on their way from the threads that read them to the one that takes them in. Thread safety:
// full.
class PartQueue {
 public:
  struct Part {
    size_t number;
    Result<RowBatch> rows;
  };

  explicit PartQueue(size_t parts_max) : parts_max_(parts_max) {}

  // False: no more are wanted.
  bool put(Part part) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return closed_ || parts_.size() < parts_max_; });
    if (closed_) return false;
    parts_.push_back(std::move(part));
    changed_.notify_all();
    return true;
  }
  Part take() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !parts_.empty(); });
    Part part = std::move(parts_.front());
    parts_.pop_front();
    changed_.notify_all();
    return part;
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    changed_.notify_all();
  }

 private:
  const size_t parts_max_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Part> parts_;
  bool closed_ = false;
};

}  // namespace

Status RocksRecoveryStore::read(std::span<const RowKey> keys, const Found& found) {
  const std::vector<std::span<const RowKey>> parts = parts_of(keys);
  const uint64_t rows_per_slot = store_.rows_estimate() / (slots_.last - slots_.first);
  PartQueue queue(2 * threads_);
  std::atomic<size_t> next = 0;
  std::vector<std::jthread> threads;
  for (uint32_t i = 0; i < std::min<size_t>(threads_, parts.size()); ++i)
    threads.emplace_back([&] {
      for (size_t part = next++; part < parts.size(); part = next++)
        if (!queue.put({part, read_part(parts[part], rows_per_slot)})) return;
    });
  Status status = Ok{};
  for (size_t taken = 0; taken < parts.size() && status.ok(); ++taken) {
    const PartQueue::Part part = queue.take();
    if (part.rows.ok())
      found(parts[part.number], part.rows.value());
    else
      status = part.rows.error();
  }
  queue.close();
  return noted(std::move(status));
}

// Neighbouring slots that are read in the same way are read in one go.
Result<RowBatch> RocksRecoveryStore::read_part(std::span<const RowKey> keys,
                                               uint64_t rows_per_slot) const {
  RowBatch rows;
  while (!keys.empty()) {
    std::optional<bool> scan;
    size_t count = 0;
    while (count < keys.size()) {
      size_t of_slot = 0;
      while (count + of_slot < keys.size() &&
             slot_of(keys[count + of_slot].key) == slot_of(keys[count].key))
        ++of_slot;
      const bool scans = of_slot * scan_ratio_ > rows_per_slot;
      if (scan.value_or(scans) != scans) break;
      scan = scans;
      count += of_slot;
    }
    const auto now = keys.first(count);
    Result<RowBatch> batch = *scan ? store_.scan_for(now) : store_.read(now);
    if (!batch.ok()) return batch;
    if (rows.entries.empty())
      rows = std::move(batch).value();
    else
      append(rows, batch.value());
    keys = keys.subspan(count);
  }
  return rows;
}

}  // namespace cairn::ps
