// The surroundings of one machine of a shard, without a shard: rows, clock, log, store and peers,
// all in the test's hands. One table of dim 2, whose optimizer is SGD of rate 1.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ps/policy/removal.h"
#include "ps/row/initializer.h"
#include "ps/shard/change_feed.h"
#include "ps/shard/cold_reads.h"
#include "ps/shard/consistency.h"
#include "ps/shard/flush.h"
#include "ps/shard/request.h"
#include "ps/shard/request_validator.h"
#include "ps/step/step_update.h"
#include "ps/store/memory_cold_store.h"
#include "tests/ps/log/memory_push_log.h"
#include "tests/ps/shard/shard_messages.h"

namespace cairn::ps {

class MachineTest : public testing::Test, public Outbox {
 protected:
  struct Reply {
    Peer peer;
    Message message;
  };
  struct Setting {
    uint32_t workers = 1;
    uint64_t hot_bytes = uint64_t{1} << 30;
    uint64_t log_bytes_max = uint64_t{1} << 30;
    AdmissionConfig admission = {};
    ExpiryConfig expiry = {};
  };

  explicit MachineTest(const Setting& setting, ChangeListener* listener = nullptr)
      : table_(table_of(setting)),
        rows_(ShardRows::create({}, {table_}, 7, setting.hot_bytes).value()),
        assembler_(setting.workers, 0),
        changes_(*rows_, listener),
        consistency_(clock_, assembler_, removes_rows(table_)),
        validator_({.incarnation = 0, .workers = setting.workers, .map_version = 0, .slots = {}},
                   *rows_, replies_),
        flush_({}, setting.log_bytes_max,
               {.rows = *rows_,
                .store = store_,
                .log = log_,
                .writer = writer_,
                .clock = clock_,
                .assembler = assembler_,
                .metrics = metrics_,
                .post = post(),
                .failure = failure_,
                .fail = fail(),
                .ended =
                    [this] {
                      if (flush_ended_) flush_ended_();
                    }}),
        reads_(
            store_, post(),
            [this](const std::vector<RowKey>& keys, const RowBatch& found, uint32_t pin) {
              rows_->install(keys, found, pin > clock_.applied_step ? pin : 0);
            },
            [this](std::vector<RowKey>& keys) { rows_->erase_present(keys); }, fail()) {}

  void send(const Peer& peer, Message message, Arrival) override {
    sent_.push_back({peer, std::move(message)});
  }
  Post post() {
    return [this](std::function<void()> call) { posted_.push_back(std::move(call)); };
  }
  std::function<void(const Error&)> fail() {
    return [this](const Error& error) { failure_ = error; };
  }

  void run_posted() {
    while (!posted_.empty()) {
      const auto call = std::move(posted_.front());
      posted_.pop_front();
      call();
    }
  }
  // The store answers all calls, and the calls that its answers lead to.
  void answer_store() {
    do {
      store_.complete_all();
      run_posted();
    } while (store_.pending() > 0);
  }
  // Everything that was logged is acknowledged; nobody is told.
  void log_all() {
    log_.complete_all();
    clock_.acknowledged_lsn = writer_.next_lsn() - 1;
  }
  void finish_flush() {
    while (flush_.active()) {
      flush_.work();
      answer_store();
    }
  }

  static Header header(Op op, uint32_t worker, uint64_t sequence, uint64_t step) {
    return {.op = op, .sequence = sequence, .step = step, .worker = worker};
  }
  // A push whose sequence is its step.
  static Message push_of(uint32_t worker, uint64_t step, const KeyValues& gradients) {
    return rows_message(header(Op::kPush, worker, step, step), {{0, gradients}}, {2});
  }
  static Request request_of(const Peer& peer, const Message& message) {
    return {.peer = peer, .header = message.header};
  }
  // Worker 0, the only worker, pushes the next step, and the step is applied. Where the store holds
  // rows, the step's keys must be in memory.
  void apply_step(const KeyValues& gradients) {
    const uint64_t step = clock_.applied_step + 1;
    auto push = std::make_shared<const Message>(push_of(0, step, gradients));
    const Lsn lsn = writer_.take_lsn();
    assembler_.accept(push, lsn);
    writer_.append({.lsn = lsn, .push = std::move(push), .sequences = {}});
    std::vector<ShardRows::Deferred> deferred(1);
    ps::apply_step(*rows_, *assembler_.complete(), /*create=*/store_.empty(), deferred);
    ASSERT_TRUE(deferred[0].keys.empty());
    changes_.changed(*assembler_.complete());
    clock_.commit_lsn = lsn;
    assembler_.applied();
    clock_.applied_step = step;
  }
  // Puts a row into the store alone. Steps count from 1.
  void store_row(Key key, const std::vector<float>& weights, uint32_t last_step = 1) {
    FlushFile file;
    file.rows.entries.push_back({.key = {0, key}, .last_step = last_step, .count = 1});
    file.rows.floats = weights;
    store_.save_flush_file(std::move(file), [](const Status& saved) { ASSERT_TRUE(saved.ok()); });
    store_.complete_all();
  }
  std::vector<float> initial(Key key) const {
    std::vector<float> weights(2);
    initial_weights(table_.initializer, 7, 0, key, weights);
    return weights;
  }
  bool in_memory(Key key) const {
    HotRow* row = nullptr;
    rows_->tier().table(0).find({&key, 1}, &row);
    return row != nullptr;
  }
  std::vector<Reply> take_replies() { return std::exchange(sent_, {}); }

  static TableConfig table_of(const Setting& setting) {
    TableConfig table{.name = "a", .dim = 2};
    table.optimizer = {.name = "sgd", .learning_rate = 1.0f};
    table.admission = setting.admission;
    table.expiry = setting.expiry;
    return table;
  }

  prometheus::Registry registry_;
  MetricSource source_{registry_, {}};
  ShardMetrics metrics_{source_};
  const TableConfig table_;
  std::unique_ptr<ShardRows> rows_;
  StepAssembler assembler_;
  ShardClock clock_;
  std::optional<Error> failure_;
  std::deque<std::function<void()>> posted_;
  std::vector<Reply> sent_;
  std::function<void()> flush_ended_;
  MemoryPushLog log_{[](const Result<Lsn>&) {}};
  MemoryColdStore store_{{{.dim = 2}}};
  LogWriter writer_{log_, 1};
  Replies replies_{*this, metrics_, 0, 4};
  ChangeFeed changes_;
  ConsistencyRules consistency_;
  RequestValidator validator_;
  Flush flush_;
  ColdReads reads_;
};

}  // namespace cairn::ps
