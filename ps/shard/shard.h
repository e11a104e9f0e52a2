// The owner of some slots, as a state machine: no thread, clock, socket or file. Messages and
// completions go in. Replies, log records, reads and flush files go out through the interfaces
// given; these complete later, through the `Post` given. ShardLoop (ps/server/shard_loop.h) drives
// a real shard; tests drive a cluster of them from a seed.
//
// Its parts are machines of their own: Pulls, Steps, RowRemoval, Flush and Checkpoint. The shard
// validates messages, answers the simple ones, and decides what follows upon what. A ChangeListener
// is told what each step changed.
//
// Consistency (sync; ps/shard/consistency.h has the rules): a push is its own log record and is
// acknowledged once logged. Once the last worker's push of step t has come, the shard sums in
// worker order and applies once. The rows get the lsn of that push's record. A pull of step t is
// deferred until step t-1 is over. Step t-1 is over once it is applied and the rows that then
// expire or exceed a cap are gone. Its commit and its removals must be logged too. Where tables
// have such policies, a push of t waits for that too, and gets no lsn before.
//
// Requests and what is answered (header.h has the statuses; a refused request changes nothing):
//   PULL        Keys of any tables. The answer has the rows' weights, without those that have not
//               changed since the `changed_since` that comes with their keys. Its `step` is the
//               last step applied to them. A speculative pull is answered at once, with rows whose
//               changes may not be logged yet, and perhaps some of the step in hand, which `step`
//               does not claim. So its rows are exact once the rows that changed after that `step`
//               have been asked for. That holds for this server run alone: the next one answers in
//               full.
//   PUSH        The next one of its worker. OK once it is logged, also if it comes again.
//   PING        JSON {"applied_step", "missing"}: workers whose push of the next step has not come.
//   STATS       JSON.
//   CHECKPOINT  As of `step`; values {"folder": "..."}, a new folder in one that is there. Answered
//               once the step is applied, logged and written there, with JSON {"files": [{"name",
//               "bytes"}], "slots": [first, last], "rows": one per table, or null if not known}.
//
// Thread safety: none; one thread calls everything.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/config/table_config.h"
#include "common/metrics/metrics.h"
#include "common/slots.h"
#include "common/wire/message.h"
#include "ps/log/push_log.h"
#include "ps/recovery/recovery.h"
#include "ps/shard/change_feed.h"
#include "ps/shard/checkpoint.h"
#include "ps/shard/cold_reads.h"
#include "ps/shard/consistency.h"
#include "ps/shard/flush.h"
#include "ps/shard/pulls.h"
#include "ps/shard/request.h"
#include "ps/shard/request_validator.h"
#include "ps/shard/row_removal.h"
#include "ps/shard/shard_clock.h"
#include "ps/shard/steps.h"
#include "ps/store/cold_store.h"
#include "ps/system/post.h"

namespace cairn::ps {

struct ShardOptions {
  uint32_t shard = 0;
  SlotMap slots;
  uint64_t incarnation = 0;
  uint64_t server_run = 0;
  uint32_t workers = 1;
  uint64_t seed = 0;          // of the job: initial values
  uint64_t applied_step = 0;  // of the checkpoint that the store was made from
  Lsn next_lsn = 1;           // above every lsn in the store
  uint64_t hot_bytes = 0;
  uint64_t log_bytes_max = 0;
  uint32_t removal_period = kSlots;  // steps in which every slot is looked through once
  std::vector<TableConfig> tables;
  std::vector<SlotFilter> filters;  // of the checkpoint
  std::string losses = "[]";        // JSON (ps/store/storage_loss.h), for whoever asks
  // The numbers of rows in the store at the start, per table. Nothing: the numbers are not known,
  // and checkpoints tell none.
  std::optional<std::vector<uint64_t>> rows = std::vector<uint64_t>{};
};

class Shard {
 public:
  // The interfaces that a shard acts through, all of which outlive the shard. None calls back from
  // inside a call.
  struct Environment {
    Outbox& outbox;
    PushLog& log;  // its completions lead to on_logged
    ColdStore& store;
    Post post;  // of completions of `store`; none runs once the shard is gone
    ShardMetrics& metrics;
    std::function<void(Error)> failed;  // called once: log or store failed, the shard has ended
    ChangeListener* changes = nullptr;  // is told what each step changed; null: nobody is
  };

  // With `recovered` the shard goes on where another one died; `options.applied_step` and `rows`
  // then say nothing. Errors: kInvalidArgument for tables that cannot be served.
  static Result<std::unique_ptr<Shard>> create(ShardOptions options, Environment environment,
                                               std::optional<RecoveredShard> recovered = {});
  ~Shard();

  void on_message(const Peer& peer, Message message, Arrival arrival);
  // Answers a message that did not parse; `first_part` may be anything.
  void on_bad_message(const Peer& peer, const zmq::message_t& first_part, const Error& why,
                      Arrival arrival);
  void on_logged(Result<Lsn> acknowledged);
  // Does a slice of the work that stands behind messages. True: there is more to do at once. False:
  // it is enough to come back after the next message or completion, and a few times per second.
  bool on_tick();

 private:
  Shard(ShardOptions options, Environment environment, RecoveredShard from);

  // Events and their consequences, in one place each.
  void step_applied(Lsn commit);                  // Steps: a step is applied as a whole
  void removal_over(std::optional<Lsn> removed);  // RowRemoval: the rows that go after it are gone
  void step_over();
  void flush_ended();

  void answer_ping(const Request& from);
  std::optional<std::vector<uint64_t>> row_counts() const;
  void answer_stats(const Request& from);
  void fail(const Error& error);

  const ShardOptions options_;
  Environment environment_;
  ShardMetrics& metrics_;
  std::unique_ptr<ShardRows> rows_;
  StepAssembler assembler_;
  ShardClock clock_;
  std::optional<Error> failure_;
  const bool removes_rows_;  // some table does

  // Each member below uses those above it.
  LogWriter writer_;
  Replies replies_;
  ConsistencyRules consistency_;
  RequestValidator validator_;
  ChangeFeed changes_;
  ColdReads reads_;
  Flush flush_;
  Pulls pulls_;
  Steps steps_;
  RowRemoval removal_;
  Checkpoint checkpoint_;
};

}  // namespace cairn::ps
