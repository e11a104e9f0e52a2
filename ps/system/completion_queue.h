// Calls that other threads leave for the thread of a loop, with a file descriptor that wakes its
// poll. Thread safety: any thread may call `post`; the loop's thread makes the other calls.
#pragma once

#include <functional>
#include <mutex>
#include <vector>

namespace cairn::ps {

class CompletionQueue {
 public:
  CompletionQueue();  // no file descriptor left: a check fails
  ~CompletionQueue();
  CompletionQueue(const CompletionQueue&) = delete;

  void post(std::function<void()> call);
  // Wakes the poll without a call.
  void wake();

  // Readable while calls wait.
  int descriptor() const { return descriptor_; }
  // Runs the calls that wait now.
  void run();

 private:
  int descriptor_;
  std::mutex mutex_;
  std::vector<std::function<void()>> calls_;
  std::vector<std::function<void()>> running_;  // of the loop alone; keeps its memory
};

}  // namespace cairn::ps
