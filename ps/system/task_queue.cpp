#include "ps/system/task_queue.h"

#include <utility>

#include "common/check.h"

namespace cairn::ps {

TaskQueue::TaskQueue(uint32_t threads) {
  check(threads > 0, "a queue has a thread");
  for (uint32_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run_tasks(); });
}

TaskQueue::~TaskQueue() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  changed_.notify_all();
}

void TaskQueue::add(std::function<void()> task) {
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  changed_.notify_one();
}

void TaskQueue::run_tasks() {
  for (;;) {
    std::function<void()> task;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return closing_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
  }
}

}  // namespace cairn::ps
