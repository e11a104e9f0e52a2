// The log of a shard, which makes an acknowledged push survive the process. It is an interface, as
// the shard is a state machine. `append` returns at once; the completion comes later, in order.
//
// Versions: FilePushLog (ps/log/file_push_log.h, segment files and a writer thread) and
// MemoryPushLog (tests/ps/log/memory_push_log.h, for tests: it completes, delays, loses and crashes
// when told). One contract test runs over both: tests/ps/log/push_log_contract_test.cpp.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "common/result.h"
#include "common/wire/message.h"
#include "ps/row/row.h"

namespace cairn::ps {

enum class RecordKind : uint8_t {
  kReplayStart = 1,  // everything up to `replay_after` is in the store; payload: the sequence table
  kPush = 2,         // payload: the message whole
  // Rows that a table's policies removed after a step, each named. The record stands between the
  // last push of that step and the first push of the next. A step that removed no row has no such
  // record.
  kDelete = 3,
};

// A row that was deleted.
struct DeletedKey {
  Key key = 0;
  uint64_t table = 0;
  friend bool operator==(const DeletedKey&, const DeletedKey&) = default;
};

// (last sequence accepted, step applied) of one worker.
struct WorkerSequence {
  uint64_t sequence = 0;
  uint64_t applied_step = 0;
  friend bool operator==(const WorkerSequence&, const WorkerSequence&) = default;
};

struct LogRecord {
  Lsn lsn = 0;
  RecordKind kind = RecordKind::kPush;
  // For kPush. The message is shared: the shard gathers and applies it while the writer still
  // writes it.
  std::shared_ptr<const Message> push;
  // For kReplayStart.
  Lsn replay_after = 0;
  std::vector<WorkerSequence> sequences;
  // For kDelete.
  uint64_t step = 0;
  std::vector<DeletedKey> deleted = {};
};

class PushLog {
 public:
  // Called once a record and everything before it are as durable as the log promises. Any thread
  // may call; lsns never descend. An error ends the shard: a failed write is never retried.
  using Logged = std::function<void(Result<Lsn> acknowledged)>;

  virtual ~PushLog() = default;

  // Lsns are consecutive. Never blocks on the disk.
  virtual void append(LogRecord record) = 0;

  // Bytes from the record after `replay_after` to the end of the log, which a restart would read.
  virtual uint64_t bytes() const = 0;

  // Bytes of the log's budget that pushes leave free. So the log can always take the replay start
  // and the delete records that lead to a cut.
  virtual uint64_t reserve_bytes() const = 0;

  // A replay start of this lsn is acknowledged: segments wholly below `replay_after` may go.
  virtual void cut(Lsn replay_after) = 0;
};

}  // namespace cairn::ps
