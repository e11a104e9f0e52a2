#include "ps/log/log_queue.h"

#include <utility>

namespace cairn::ps {

LogQueue::LogQueue(size_t chunks, uint64_t chunk_bytes) {
  for (size_t i = 0; i < chunks; ++i) {
    chunks_.push_back(std::make_unique<LogChunk>(chunk_bytes));
    empty_.push_back(chunks_.back().get());
  }
}

void LogQueue::add(LogRecord record) {
  {
    const std::lock_guard lock(mutex_);
    if (failed_ || ended_) return;  // the error was reported: nothing after it is acknowledged
    gathered_.push_back(std::move(record));
  }
  encoder_wakes_.notify_one();
}

void LogQueue::cut(Lsn replay_after) {
  {
    const std::lock_guard lock(mutex_);
    cut_ = replay_after;
  }
  encoder_wakes_.notify_one();
}

void LogQueue::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  encoder_wakes_.notify_one();
}

LogQueue::Work LogQueue::wait_for_work(bool open) {
  std::unique_lock lock(mutex_);
  encoder_wakes_.wait(lock, [&] {
    return failed_ || closing_ || cut_.has_value() || !gathered_.empty() || (open && writer_waits_);
  });
  if (failed_) return {.ended = true};
  Work work{.records = std::exchange(gathered_, {}), .cut = std::exchange(cut_, {})};
  work.ended = closing_ && work.records.empty() && !work.cut.has_value();
  return work;
}

LogChunk* LogQueue::wait_for_empty() {
  std::unique_lock lock(mutex_);
  encoder_wakes_.wait(lock, [&] { return failed_ || !empty_.empty(); });
  if (failed_) return nullptr;
  LogChunk* chunk = empty_.back();
  empty_.pop_back();
  return chunk;
}

bool LogQueue::writer_waits() {
  const std::lock_guard lock(mutex_);
  return writer_waits_;
}

void LogQueue::hand_over(LogChunk* chunk) {
  {
    const std::lock_guard lock(mutex_);
    filled_.push_back(chunk);
    writer_waits_ = false;
  }
  writer_wakes_.notify_one();
}

void LogQueue::end(std::optional<Error> why) {
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    error_ = std::move(why);
    gathered_.clear();
  }
  writer_wakes_.notify_one();
}

LogChunk* LogQueue::wait_for_chunk() {
  std::unique_lock lock(mutex_);
  if (filled_.empty() && !ended_) {
    writer_waits_ = true;
    encoder_wakes_.notify_one();
    writer_wakes_.wait(lock, [&] { return ended_ || !filled_.empty(); });
  }
  if (filled_.empty()) return nullptr;
  LogChunk* chunk = filled_.front();
  filled_.erase(filled_.begin());
  return chunk;
}

void LogQueue::give_back(LogChunk* chunk) {
  chunk->file.reset();
  {
    const std::lock_guard lock(mutex_);
    empty_.push_back(chunk);
  }
  encoder_wakes_.notify_one();
}

std::optional<Error> LogQueue::encoder_error() {
  const std::lock_guard lock(mutex_);
  return error_;
}

void LogQueue::fail() {
  {
    const std::lock_guard lock(mutex_);
    failed_ = true;
    gathered_.clear();
  }
  encoder_wakes_.notify_one();
}

}  // namespace cairn::ps
