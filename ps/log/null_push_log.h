// The log of `durability: checkpoint`: it keeps nothing. A dead server then ends the job, which
// goes back to its last checkpoint.
#pragma once

#include <utility>

#include "ps/log/push_log.h"

namespace cairn::ps {

// `Logged` is called inside `append`. Thread safety: none.
class NullPushLog final : public PushLog {
 public:
  explicit NullPushLog(Logged logged) : logged_(std::move(logged)) {}

  void append(LogRecord record) override { logged_(record.lsn); }
  uint64_t bytes() const override { return 0; }
  uint64_t reserve_bytes() const override { return 0; }
  void cut(Lsn) override {}

 private:
  const Logged logged_;
};

}  // namespace cairn::ps
