#include "ps/system/completion_queue.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "common/check.h"

namespace cairn::ps {

CompletionQueue::CompletionQueue() : descriptor_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  check(descriptor_ >= 0, "no file descriptor left: raise the limit of open files");
}

CompletionQueue::~CompletionQueue() { close(descriptor_); }

void CompletionQueue::post(std::function<void()> call) {
  bool first;
  {
    const std::lock_guard lock(mutex_);
    first = calls_.empty();
    calls_.push_back(std::move(call));
  }
  if (first) wake();
}

void CompletionQueue::wake() {
  const uint64_t one = 1;
  // Fails only where the counter is full, and then the poll wakes anyway.
  [[maybe_unused]] const ssize_t written = write(descriptor_, &one, sizeof one);
}

void CompletionQueue::run() {
  uint64_t count;
  [[maybe_unused]] const ssize_t taken = read(descriptor_, &count, sizeof count);
  {
    const std::lock_guard lock(mutex_);
    running_.swap(calls_);
  }
  for (const std::function<void()>& call : running_) call();
  running_.clear();
}

}  // namespace cairn::ps
