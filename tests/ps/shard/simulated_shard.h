// A shard whose log, store, peers and thread are in the test's hands.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/random.h"
#include "ps/shard/shard.h"
#include "ps/store/memory_cold_store.h"
#include "ps/store/rocks_store.h"
#include "tests/ps/log/memory_push_log.h"
#include "tests/ps/recovery/memory_recovery.h"
#include "tests/ps/shard/shard_messages.h"

namespace cairn::ps {

class SimulatedShard final : public Outbox {
 public:
  struct Reply {
    Peer peer;
    Message message;
  };

  // `changes` is null for no listener.
  explicit SimulatedShard(const ShardOptions& options, ChangeListener* changes = nullptr)
      : options_(options),
        changes_(changes),
        log(
            [this](Result<Lsn> lsn) {
              posted.push_back([this, lsn = std::move(lsn)] { shard->on_logged(lsn); });
            },
            options.next_lsn),
        store(layouts_of(options.tables).value()),
        source_(registry_, {}),
        metrics(source_) {
    shard = Shard::create(options, environment()).value();
  }

  // The process dies and another one recovers. A random part of the unacknowledged log records is
  // found. The store's pending calls are not carried out.
  void crash(RandomStream& random) {
    log.crash(random.next_below(log.pending() + 1));
    store.crash();
    posted.clear();
    replies.clear();
    shard.reset();
    ++options_.server_run;
    RecoveryOptions from{
        .slots = options_.slots.range_of(options_.shard),
        .workers = options_.workers,
        .seed = options_.seed,
        .hot_bytes = options_.hot_bytes,
        .tables = options_.tables,
        .replay_after = options_.next_lsn - 1,
        .sequences = StepAssembler(options_.workers, options_.applied_step).sequences()};
    MemoryRecoveryStore rows(store);
    Result<RecoveredShard> recovered = recover(std::move(from), log.kept(), rows);
    ASSERT_TRUE(recovered.ok()) << recovered.error().message;
    ShardOptions options = options_;
    options.next_lsn = log.next_lsn();
    shard = Shard::create(options, environment(), std::move(recovered).value()).value();
    wants_tick = true;
  }

  void send(const Peer& peer, Message message, Arrival) override {
    replies.push_back({peer, std::move(message)});
  }

  // Does one of the things that may happen next. False: all is quiet.
  bool step(RandomStream& random) {
    std::vector<std::function<void()>> choices;
    if (!posted.empty()) choices.push_back([this] { run_posted(); });
    if (log.pending() > 0) {
      choices.push_back([&] { log.complete(1 + random.next_below(log.pending())); });
    }
    if (store.pending() > 0)
      choices.push_back([&] { store.complete(random.next_below(store.pending())); });
    if (wants_tick || random.next_below(8) == 0)
      choices.push_back([this] { wants_tick = shard->on_tick(); });
    if (choices.empty()) return false;
    choices[random.next_below(choices.size())]();
    return true;
  }
  void run_posted() {
    const auto call = std::move(posted.front());
    posted.pop_front();
    call();
    wants_tick = true;
  }

  // Lets everything under way come to its end.
  void settle() {
    do {
      while (!posted.empty()) run_posted();
      log.complete_all();
      store.complete_all();
      wants_tick = shard->on_tick();
    } while (wants_tick || !posted.empty() || (failures.empty() && log.pending() > 0) ||
             store.pending() > 0);
  }

  // The replies so far, in order; forgets them.
  std::vector<Reply> take_replies() { return std::exchange(replies, {}); }

 private:
  Shard::Environment environment() {
    return {.outbox = *this,
            .log = log,
            .store = store,
            .post = [this](std::function<void()> call) { posted.push_back(std::move(call)); },
            .metrics = metrics,
            .failed = [this](Error error) { failures.push_back(std::move(error)); },
            .changes = changes_};
  }
  ShardOptions options_;
  ChangeListener* const changes_;

 public:
  std::deque<std::function<void()>> posted;
  MemoryPushLog log;
  MemoryColdStore store;
  std::vector<Reply> replies;
  std::vector<Error> failures;
  bool wants_tick = false;

 private:
  prometheus::Registry registry_;
  MetricSource source_;

 public:
  ShardMetrics metrics;
  std::unique_ptr<Shard> shard;
};

}  // namespace cairn::ps
