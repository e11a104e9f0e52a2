#include "bench/shard/bare_steady.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <numeric>

#include "bench/shard/driver.h"
#include "common/check.h"

namespace cairn {

namespace {
constexpr uint64_t kRing = 8;  // messages
constexpr size_t kSlice = 16'384;
constexpr uint64_t kMessageBytes = kBenchKeys * (sizeof(Key) + kBenchDim * sizeof(float));
static_assert(kMessageBytes % 4096 == 0, "messages are written by direct I/O as they are");

Key key_of(const float* row) {
  Key key;
  std::memcpy(&key, row, sizeof key);
  return key;
}
}  // namespace

BareSteady::BareSteady(const std::filesystem::path& folder, uint64_t rows, uint64_t log_bytes)
    : table_(rows),
      store_(folder),
      order_(rows),
      log_messages_(log_bytes / kMessageBytes),
      ring_(kRing * kMessageBytes, /*huge=*/true),
      cursor_(rows) {
  for (uint64_t i = 0; i < rows; ++i) table_.insert(bench_key(i));
  std::iota(order_.begin(), order_.end(), 0u);
  std::ranges::sort(order_, [&](uint32_t a, uint32_t b) {
    return ps::RowKey{0, key_of(table_.row(a))} < ps::RowKey{0, key_of(table_.row(b))};
  });
  log_ = ::open((folder / "log").c_str(), O_CREAT | O_RDWR | O_DIRECT, 0600);
  check(log_ >= 0 && ::fallocate(log_, 0, 0, static_cast<off_t>(log_bytes)) == 0,
        "a log for the yardstick");
  writer_ = std::jthread([this] { write_log(); });
  saver_ = std::jthread([this] { save_runs(); });
}

BareSteady::~BareSteady() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  ++filled_;
  filled_.notify_all();
  wake_.notify_all();
  writer_.join();
  saver_.join();
  ::close(log_);
}

void BareSteady::write_log() {
  while (!stop_) {
    const uint64_t from = written_, to = filled_;
    if (from == to) {
      filled_.wait(from);
      continue;
    }
    // As many as lie one after the other in the ring and in the file.
    const uint64_t run =
        std::min({to - from, kRing - from % kRing, log_messages_ - from % log_messages_});
    const auto bytes = static_cast<ssize_t>(run * kMessageBytes);
    check(::pwrite(log_, ring_.data() + from % kRing * kMessageBytes, run * kMessageBytes,
                   static_cast<off_t>(from % log_messages_ * kMessageBytes)) == bytes,
          "writing the yardstick's log");
    written_ = from + run;
    written_.notify_all();
  }
}

void BareSteady::save_runs() {
  for (;;) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [&] { return busy_ || stop_; });
    if (stop_) return;
    lock.unlock();
    store_.ingest(saving_);
    lock.lock();
    busy_ = false;
    wake_.notify_all();
  }
}

bool BareSteady::hand_over() {
  const std::lock_guard lock(mutex_);
  if (busy_) return false;
  std::swap(run_, saving_);
  run_.clear();
  busy_ = true;
  wake_.notify_all();
  return true;
}

void BareSteady::flush_slice() {
  constexpr size_t kAhead = 16;
  if (cursor_ == order_.size()) {
    if ((filled_ - cut_) * 2 <= log_messages_) return;
    cursor_ = 0;
    flush_base_ = filled_;
  }
  if (run_.rows() >= BareStore::kRunRows && !hand_over()) return;
  for (size_t i = 0; i < kSlice && cursor_ < order_.size() && run_.rows() < BareStore::kRunRows;
       ++i, ++cursor_) {
    if (cursor_ + kAhead < order_.size()) __builtin_prefetch(table_.row(order_[cursor_ + kAhead]));
    float* row = table_.row(order_[cursor_]);
    if (!BareTable::dirty(row)) continue;
    BareTable::dirty(row) = 0;
    run_.add(ps::encode_key({0, key_of(row)}), row);
  }
  if (cursor_ < order_.size()) return;
  while (!hand_over()) usleep(100);
  cut_ = flush_base_;
}

void BareSteady::log_message(std::span<const Key> keys, const float* gradients) {
  for (uint64_t written = written_; filled_ - written == kRing; written = written_)
    written_.wait(written);
  std::byte* to = ring_.data() + filled_ % kRing * kMessageBytes;
  std::memcpy(to, keys.data(), keys.size_bytes());
  std::memcpy(to + keys.size_bytes(), gradients, keys.size() * kBenchDim * sizeof(float));
  ++filled_;
  filled_.notify_one();
}

void BareSteady::push(std::span<const Key> keys, const float* gradients) {
  flush_slice();
  while (filled_ - cut_ >= log_messages_) {
    usleep(100);
    flush_slice();
  }
  log_message(keys, gradients);
  table_.push_adagrad(keys, gradients);
}

}  // namespace cairn
