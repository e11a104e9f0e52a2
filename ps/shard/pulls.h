// The pulls of a shard. They are deferred until their step's turn, and answered from memory, or
// once the store has answered.
//
//   deferred           its turn has not come (ConsistencyRules::may_answer); the rows that it will
//                      miss are read meanwhile, where there is room
//   reading            rows that it wants are being read from the store
//   waiting for room   there is no room for those rows, and a flush will make some
//
// Thread safety: none; a shard's thread owns it.
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/metrics/metrics.h"
#include "ps/hot/shard_rows.h"
#include "ps/shard/cold_reads.h"
#include "ps/shard/consistency.h"
#include "ps/shard/flush.h"
#include "ps/shard/request.h"

namespace cairn::ps {

class Pulls {
 public:
  // Everything that pulls read and act through, all of which outlives the pulls.
  struct Uses {
    ShardRows& rows;
    const ColdStore& store;  // whether it is empty; rows come by `reads`
    ColdReads& reads;
    Flush& flush;
    Replies& replies;
    const ConsistencyRules& consistency;
    const ShardClock& clock;
    ShardMetrics& metrics;
    const std::optional<Error>& failure;  // of the shard: set, every pull is refused
  };

  Pulls(uint32_t workers, Uses uses);

  // Takes a pull whose tables and keys are validated. A pull that comes again takes the place of
  // the first.
  void on_pull(Request from, Message message);
  // Answers deferred pulls whose turn has come.
  void release();
  // A flush has ended: lets the pulls that waited for its room go on.
  void release_waiting_for_room();
  // Tells every waiting pull that the shard has failed.
  void refuse_all();

  size_t deferred() const { return deferred_.size(); }
  size_t waiting_for_room() const { return waiting_for_room_.size(); }
  uint64_t rows_read_ahead() const { return rows_read_ahead_; }

 private:
  struct Pull {
    Request from;
    Message message;
    uint32_t reads = 0;          // of the store that it has waited for
    uint64_t flush_to_wait = 0;  // room is awaited until this flush has ended
    bool may_grow = false;       // there is room, or waiting for it is over
  };
  using PullPointer = std::shared_ptr<Pull>;  // shared with completions, which std::function copies

  bool may_hold(const Pull& pull);
  void answer(const PullPointer& pull);
  uint32_t pin_of(const Pull& pull) const;
  ShardRows::Absent absent_rows_of(const Pull& pull) const;
  std::vector<RowKey> copy_rows(const Pull& pull, Message& reply);
  void read_ahead(const Pull& pull);
  uint64_t bytes_of(std::span<const RowKey> rows) const;  // in memory
  bool has_room(const PullPointer& pull, uint64_t bytes);

  const uint32_t workers_;
  const Uses uses_;
  std::list<PullPointer> deferred_;  // in order of arrival
  std::vector<PullPointer> waiting_for_room_;
  size_t reading_ = 0;
  bool many_missing_ = false;  // of the rows of the last pulls
  uint64_t bytes_reading_ahead_ = 0, rows_read_ahead_ = 0;
};

}  // namespace cairn::ps
