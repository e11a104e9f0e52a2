// Runs a source on a thread of its own, ahead of the step.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <stop_token>
#include <thread>

#include "worker/data/batch_source.h"

namespace cairn::data {

// Batches come in the order of the source. Its end (0 samples) and its errors travel through the
// queue behind the batches before them, are repeated ever after, and end the thread. The destructor
// waits for the batch being read, no longer.
class PrefetchingSource final : public BatchSource {
 public:
  // `depth`: batches that may wait, at least 1.
  PrefetchingSource(std::unique_ptr<BatchSource> source, size_t depth);
  ~PrefetchingSource() override;

  Result<features::Batch> next() override;

 private:
  void run(const std::stop_token& stop);

  const std::unique_ptr<BatchSource> source_;
  const size_t depth_;
  std::mutex mutex_;  // guards ready_
  std::condition_variable_any changed_;
  std::deque<Result<features::Batch>> ready_;
  std::jthread thread_;  // last: it stops before what it uses
};

}  // namespace cairn::data
