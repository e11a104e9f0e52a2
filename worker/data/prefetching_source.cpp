#include "worker/data/prefetching_source.h"

#include <algorithm>
#include <utility>

namespace cairn::data {
namespace {

bool is_last(const Result<features::Batch>& batch) {
  return !batch.ok() || batch.value().samples == 0;
}

}  // namespace

PrefetchingSource::PrefetchingSource(std::unique_ptr<BatchSource> source, size_t depth)
    : source_(std::move(source)),
      depth_(std::max<size_t>(1, depth)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

PrefetchingSource::~PrefetchingSource() = default;

void PrefetchingSource::run(const std::stop_token& stop) {
  for (bool last = false; !last && !stop.stop_requested();) {
    Result<features::Batch> batch = source_->next();
    last = is_last(batch);
    std::unique_lock lock(mutex_);
    if (!changed_.wait(lock, stop, [this] { return ready_.size() < depth_; })) return;
    ready_.push_back(std::move(batch));
    changed_.notify_all();
  }
}

Result<features::Batch> PrefetchingSource::next() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return !ready_.empty(); });
  if (is_last(ready_.front())) return ready_.front();
  Result<features::Batch> batch = std::move(ready_.front());
  ready_.pop_front();
  changed_.notify_all();
  return batch;
}

}  // namespace cairn::data
