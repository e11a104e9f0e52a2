// Threads that run tasks in the order added. The caller bounds the queue: a shard has at most one
// flush file, one checkpoint and its clients' open pulls under way. Thread safety: any thread may
// call `add`.
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
  // Runs all added tasks, then ends.
  ~TaskQueue();

  void add(std::function<void()> task);

 private:
  void run_tasks();

  std::mutex mutex_;  // of the next three
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  bool closing_ = false;
  std::vector<std::jthread>
      threads_;  // last, so that the threads end before the members that they use
};

}  // namespace cairn::ps
