// The owner of some slots, as a state machine: no thread, clock, socket or file. Messages and
// completions go in; replies, log records, reads and runs go out through the interfaces given,
// which complete later, through the `Post` given. ShardLoop (ps/server/shard_loop.h) drives a real
// one; tests drive a cluster of them from a seed.
//
// Consistency (sync): a push is its own log record and is acknowledged once logged. When the last
// worker's push of step t has come, the shard sums in worker order, applies once and stamps the
// rows with the lsn of that record. A pull of step t is deferred until t-1 is over: applied, its
// slots examined for rows that expire or exceed a cap, and its commit and what was deleted logged.
// With such policies a push of t waits for that, too, and gets no lsn before.
//
// Requests and what is answered (header.h has the statuses; a refused request changes nothing):
//   PULL        keys of any tables. The rows' weights, without those that have not changed after
//   the
//               changed_since that comes with their keys; `step`: the last step applied to them. An
//               early one is answered at once, with rows whose changes may not be logged yet, and
//               perhaps some of the step in hand, which `step` does not claim: so what it tells is
//               exact once the rows that changed after that `step` have been asked for. That holds
//               for this server process alone: one that comes after it answers in full.
//   PUSH        the next of its worker. Nothing; OK once it is logged, also if it comes again.
//   PING        JSON {"applied_step", "missing"}: workers whose push of the next step has not come
//   STATS       JSON
//   CHECKPOINT  of `step`, values {"folder": "..."}: a new folder in one that is there. Once the
//               step is applied, logged and written there: JSON {"files": [{"name", "bytes"}],
//               "slots": [first, last], "rows": one per table, or null where that is not known}
//
// Thread safety: none; one thread calls everything.
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/config/table_config.h"
#include "common/config/train_config.h"
#include "common/metrics/metrics.h"
#include "common/slots.h"
#include "common/wire/message.h"
#include "ps/hot/shard_rows.h"
#include "ps/hot/write_back.h"
#include "ps/log/push_log.h"
#include "ps/recovery/recovery.h"
#include "ps/shard/cold_reads.h"
#include "ps/shard/examination.h"
#include "ps/step/step_assembler.h"
#include "ps/step/step_update.h"
#include "ps/store/cold_store.h"
#include "ps/system/post.h"

namespace cairn {

using Peer = std::string;  // ZeroMQ's routing id of who sent a message

// When a request came, in nanoseconds of the driver's clock. The shard only carries it from
// on_message to the reply, so that the driver can tell how long an answer took.
using Arrival = uint64_t;

class Outbox {
 public:
  virtual ~Outbox() = default;
  virtual void send(const Peer& peer, Message message, Arrival asked) = 0;
};

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
  uint32_t removal_period = kSlots;  // steps in which every slot is examined once
  std::vector<TableConfig> tables;
  std::vector<SlotFilter> filters;  // of the checkpoint
  std::string losses = "[]";        // JSON (ps/store/storage_loss.h), for whoever asks
  // In the store at the start, a table; nothing: not known, and then checkpoints do not tell
  // theirs.
  std::optional<std::vector<uint64_t>> rows = std::vector<uint64_t>{};
};

class Shard {
 public:
  // What a shard acts through; all of it outlives the shard. Nothing calls back from inside a call.
  struct Environment {
    Outbox& outbox;
    PushLog& log;  // its completions lead to on_logged
    ColdStore& store;
    Post post;  // of completions of `store`; none runs once the shard is gone
    ShardMetrics& metrics;
    std::function<void(Error)> failed;  // called once: log or store failed, the shard has ended
  };

  // With `recovered` the shard goes on where another one died; `options.applied_step` and `rows`
  // then say nothing. Errors: kInvalidArgument for tables that cannot be served.
  static Result<std::unique_ptr<Shard>> create(ShardOptions options, Environment environment,
                                               std::optional<RecoveredShard> recovered = {});
  ~Shard();

  void on_message(const Peer& peer, Message message, Arrival arrival);
  // A message that did not parse: `first_part` may be anything.
  void on_bad_message(const Peer& peer, const zmq::message_t& first_part, const Error& why,
                      Arrival arrival);
  void on_logged(Result<Lsn> acknowledged);
  // Does a slice of the work that stands behind messages. True: there is more, at once; otherwise
  // it is enough to come back after the next message or completion, and a few times per second.
  bool on_tick();

 private:
  struct Request {
    Peer peer;
    Header header;
    Arrival arrival = 0;
  };
  struct Pull {
    Request from;
    Message message;
    uint32_t reads = 0;          // of the store that it has waited for
    uint64_t flush_to_wait = 0;  // room is awaited until this flush has ended
    bool may_grow = false;       // there is room, or waiting for it is over
  };
  using PullPointer = std::shared_ptr<Pull>;  // shared with completions, which std::function copies
  struct Unacknowledged {
    Request from;
    Lsn lsn = 0;
  };
  struct Checkpoint {
    enum class Phase : uint8_t { kWaiting, kFlushing, kStoring };
    Request from;
    std::filesystem::path folder;
    Phase phase = Phase::kWaiting;
    uint64_t flush = 0;  // whose end it waits for
  };

  Shard(ShardOptions options, Environment environment, RecoveredShard from);

  // shard.cpp: validating, replies, failure
  bool validate_header(const Request& from, const Message& message);
  bool validate_rows(const Request& from, const Message& message);
  void refuse(const Request& to, StatusCode status, RefusalReason reason, const std::string& why);
  void reply(const Request& to, StatusCode status, std::string_view text);
  void send(const Request& to, Message message);
  void answer_ping(const Request& from);
  std::optional<std::vector<uint64_t>> row_counts() const;
  void answer_stats(const Request& from);
  void fail(const Error& error);

  // shard_pull.cpp
  void on_pull(Request from, Message message);
  bool may_hold(const Pull& pull);
  bool may_read(const Header& pull) const;
  bool is_due(const Header& pull) const;  // its step's turn has come
  void answer(const PullPointer& pull);
  uint32_t pin_of(const Pull& pull) const;
  ShardRows::Absent absent_rows_of(const Pull& pull) const;
  std::vector<RowKey> copy_rows(const Pull& pull, Message& reply);
  // Reads what a deferred pull will miss, so that it is here by its turn.
  void read_ahead(const Pull& pull);
  uint64_t bytes_of(std::span<const RowKey> rows) const;  // in memory
  bool has_room(const PullPointer& pull, uint64_t bytes);
  void release_pulls();
  void release_pulls_waiting_for_room();

  // shard_push.cpp
  void on_push(Request from, Message message);
  void take_push(Request from, Message message);
  bool must_wait(const Header& push) const;
  bool waits_for_log(const Header& push) const;
  void wait_with_push(Request from, Message message);
  void release_waiting_pushes();
  void acknowledge_pushes();
  void apply_steps();
  bool apply_step(const StepAssembler::Step& step);
  void count_changed(const StepChanged& changed);
  void read_deferred(uint32_t step);
  void apply_deferred();
  void step_applied();

  void step_over();

  // shard_examine.cpp: expiry and caps
  void prepare_examination(uint64_t step);
  void slots_read(Result<RowBatch> rows);
  void examine();
  void delete_rows(uint64_t step, Examined examined);

  // shard_storage.cpp: write-back and checkpoints
  void start_flush_if_due();
  void start_flush();
  bool work_on_flush();
  uint64_t log_bytes_allowed() const;
  void save_flush_file(FlushFile run);
  void flush_ended();
  void drop_filters(Lsn below);
  void append_replay_start(Lsn replay_after, std::vector<WorkerSequence> sequences);
  void on_checkpoint(Request from, const Message& message);
  void advance_checkpoint();
  void checkpoint_stored(const Result<ShardFiles>& files);
  bool applying_is_held() const;

  const ShardOptions options_;
  const SlotRange slots_;
  Environment environment_;
  ShardMetrics& metrics_;
  std::unique_ptr<ShardRows> rows_;
  std::vector<uint64_t> rows_created_, rows_removed_;  // a table
  std::optional<Error> failure_;

  Lsn next_lsn_;
  Lsn acknowledged_;
  Lsn commit_lsn_;  // of the last step applied
  StepAssembler assembler_;
  std::deque<Unacknowledged> unacknowledged_;  // pushes in the log's hands, lsns ascend
  // What waits for rows from the store before the step in hand is wholly applied; a table. The rest
  // of that step is applied: only speculative pulls can see the difference, and their `step` does
  // not claim it.
  std::vector<ShardRows::Deferred> deferred_;
  bool applying_ = false;

  // Of the slots due after a step, whose rows in the store are read before it comes.
  struct Examination {
    uint64_t step = 0;
    std::vector<uint32_t> due;
    RowBatch stored;
    bool read = false;
  };
  const bool removes_rows_;  // some table does
  std::optional<Examination> examination_;
  bool examining_ = false;  // the step applied is not over: it waits for the rows of those slots
  std::list<std::pair<Request, Message>> waiting_pushes_;  // without an lsn; in order of arrival

  std::list<PullPointer> deferred_pulls_;  // until their step; in order of arrival
  std::vector<PullPointer> waiting_for_room_;
  size_t pulls_reading_ = 0;
  bool many_missing_ = false;  // of the rows of the last pulls
  uint64_t bytes_reading_ahead_ = 0, rows_read_ahead_ = 0;
  ColdReads reads_;

  WriteBack write_back_;
  uint64_t flushes_begun_ = 0, flushes_ended_ = 0;
  uint64_t flush_applied_step_ = 0, flush_log_bytes_ = 0;  // when the last flush began
  Lsn flush_base_ = 0;
  std::vector<WorkerSequence> flush_sequences_;
  struct Base {
    Lsn lsn, replay_after;
  };
  std::deque<Base> bases_;  // replay starts in the log's hands

  std::optional<Checkpoint> checkpoint_;
  struct CheckpointDone {
    Header request;
    std::filesystem::path folder;
    std::string reply;
  };
  std::optional<CheckpointDone> last_checkpoint_;  // for a request that comes again
};

}  // namespace cairn
