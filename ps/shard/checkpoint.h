// A checkpoint of a shard as of a step. Later steps are held back. The rows that are still dirty
// are flushed. Then the store puts all rows into a new folder. Most dirty rows are written while
// training goes on to that step. One checkpoint is under way at a time. A request that comes again
// is answered once more. Thread safety: none; a shard's thread owns it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/metrics/metrics.h"
#include "common/slots.h"
#include "ps/hot/shard_rows.h"
#include "ps/shard/flush.h"
#include "ps/shard/request.h"
#include "ps/shard/shard_clock.h"
#include "ps/store/cold_store.h"
#include "ps/system/post.h"

namespace cairn::ps {

class Checkpoint {
 public:
  // Everything that a checkpoint reads and acts through, all of which outlives the checkpoint.
  struct Uses {
    ShardRows& rows;
    ColdStore& store;
    Flush& flush;
    Replies& replies;
    const ShardClock& clock;
    ShardMetrics& metrics;
    Post post;
    const std::optional<Error>& failure;  // of the shard: set, nothing happens any more
    std::function<bool()> applying;  // whether the step behind the applied one is partly applied
    // Rows per table, in memory and store together; nothing where the numbers are not known.
    std::function<std::optional<std::vector<uint64_t>>()> row_counts;
    std::function<void()> over;  // steps may go on
  };

  Checkpoint(SlotRange slots, Uses uses) : slots_(slots), uses_(std::move(uses)) {}

  void on_request(Request from, const Message& message);
  // Goes on as far as possible. Called after a step, after a flush, and when the log has
  // acknowledged more.
  void advance();
  // Whether the next step is held back: its rows must not enter the checkpoint.
  bool holds_steps() const;
  // Tells the peer that waits for the checkpoint that the shard has failed.
  void refuse();

 private:
  enum class Phase : uint8_t { kWaiting, kFlushing, kStoring };
  struct UnderWay {
    Request from;
    std::filesystem::path folder;
    Phase phase = Phase::kWaiting;
    uint64_t flush = 0;  // number of the flush whose end it waits for
  };
  struct Done {
    Header request;
    std::filesystem::path folder;
    std::string reply;
  };

  void stored(const Result<ShardFiles>& files);

  const SlotRange slots_;
  const Uses uses_;
  std::optional<UnderWay> under_way_;
  std::optional<Done> last_;  // for a request that comes again
};

}  // namespace cairn::ps
