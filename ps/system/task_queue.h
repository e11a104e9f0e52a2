// Threads that run tasks in the order they were added. What bounds the queue is whoever adds: a
// shard has at most one run, one checkpoint and its clients' open pulls under way. Thread safety:
// `add` by any thread.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace cairn::ps {

class TaskQueue {
 public:
  explicit TaskQueue(uint32_t threads);
  // Runs what was added, then ends.
  ~TaskQueue();

  void add(std::function<void()> task);

 private:
  void run_tasks();

  std::mutex mutex_;  // of the next three
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool closing_ = false;
  std::vector<std::jthread> threads_;  // last, so that they end before what they use
};

}  // namespace cairn::ps
