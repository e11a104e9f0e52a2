// How long to sleep between two looks at something that ends within microseconds, mostly: not at
// all at first, then longer and longer, up to `longest`, so that waiting for a slow rank leaves the
// core to it. Thread safety: none.
#pragma once

#include <algorithm>
#include <chrono>
#include <thread>

namespace cairn::collective {

class Backoff {
 public:
  explicit Backoff(std::chrono::microseconds longest = std::chrono::milliseconds(1))
      : longest_(longest) {}

  void wait() {
    if (std::chrono::steady_clock::now() - start_ < std::chrono::microseconds(50)) return;
    std::this_thread::sleep_for(sleep_);
    sleep_ = std::min(sleep_ * 3 / 2, longest_);
  }

 private:
  const std::chrono::microseconds longest_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::microseconds sleep_{50};
};

}  // namespace cairn::collective
