#include "tests/ps/log/memory_push_log.h"

#include <algorithm>
#include <utility>

#include "ps/log/log_format.h"

namespace cairn::ps {

MemoryPushLog::MemoryPushLog(Logged logged, Lsn next_lsn)
    : logged_(std::move(logged)), next_lsn_(next_lsn), cut_to_(next_lsn - 1) {}

void MemoryPushLog::append(LogRecord record) {
  check(record.lsn == next_lsn_, "lsns are consecutive");
  ++next_lsn_;
  records_.push_back(std::move(record));
}

uint64_t MemoryPushLog::bytes() const {
  uint64_t bytes = 0;
  for (const LogRecord& record : records_)
    bytes += round_up_to_block(sizeof(RecordHeader) + payload_bytes(record));
  return bytes;
}

void MemoryPushLog::cut(Lsn replay_after) {
  check(replay_after < next_lsn_, "a log is cut below what was appended");
  while (!records_.empty() && records_.front().lsn <= replay_after) {
    check(acknowledged_ > 0, "only acknowledged records are cut");
    records_.pop_front();
    --acknowledged_;
  }
  cut_to_ = std::max(cut_to_, replay_after);
}

void MemoryPushLog::complete(size_t count) {
  count = std::min(count, pending());
  if (failed_ || count == 0) return;
  acknowledged_ += count;
  logged_(records_[acknowledged_ - 1].lsn);
}

void MemoryPushLog::fail(const Error& error) {
  if (std::exchange(failed_, true)) return;
  logged_(error);
}

void MemoryPushLog::crash(size_t unacknowledged) {
  acknowledged_ += std::min(unacknowledged, pending());
  records_.resize(acknowledged_);
  next_lsn_ = (records_.empty() ? cut_to_ : records_.back().lsn) + 1;
  failed_ = false;
}

std::deque<LogRecord> MemoryPushLog::kept() const {
  return {records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(acknowledged_)};
}

}  // namespace cairn::ps
