#include "worker/training/lookahead.h"

#include <algorithm>
#include <utility>

namespace cairn::training {

Lookahead::Lookahead(const Options& options, features::Batch empty, PullStarter& pulls)
    : options_(options), empty_(std::move(empty)), pulls_(pulls) {}

void Lookahead::start(std::unique_ptr<data::BatchSource> source) { source_ = std::move(source); }

Status Lookahead::fill(uint64_t step, const std::vector<features::ReaderPosition>& positions) {
  // The next batch is always read, as its samples travel with the control vector.
  const size_t wanted = std::max<size_t>(1, options_.prefetch);
  while (ahead_.size() < wanted) {
    if (!ahead_.empty() && ahead_.back().batch.samples == 0) break;  // the epoch has ended
    read(positions);
  }
  if (options_.speculative_pulls) return Ok{};
  for (size_t i = 0; i < std::min(ahead_.size(), options_.prefetch); ++i)
    if (Status sent = pull(ahead_[i], step + i, 0); !sent.ok()) return sent;
  return Ok{};
}

void Lookahead::read(const std::vector<features::ReaderPosition>& positions) {
  BatchAhead& ahead = ahead_.emplace_back();
  if (source_) {
    Result<features::Batch> batch = source_->next();
    if (batch.ok()) {
      ahead.batch = std::move(batch).value();
      return;
    }
    ahead.error = batch.error();
  }
  // This worker goes on without samples; all stop when this batch would be next.
  ahead.batch = empty_;
  ahead.batch.positions = positions;
}

BatchAhead Lookahead::take() {
  BatchAhead next = std::move(ahead_.front());
  ahead_.pop_front();
  return next;
}

Status Lookahead::pull(BatchAhead& ahead, uint64_t step, uint32_t flags) {
  if (ahead.pull) return Ok{};
  const Result<uint64_t> pull = pulls_.start_pull(step, ahead.batch.keys, flags);
  if (!pull.ok()) return pull.error();
  ahead.pull = pull.value();
  return Ok{};
}

void Lookahead::abandon() {
  for (const BatchAhead& ahead : ahead_)
    if (ahead.pull) pulls_.abandon_pull(*ahead.pull);
  ahead_.clear();
  source_.reset();
}

}  // namespace cairn::training
