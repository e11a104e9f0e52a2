// The pushes of one worker to one shard: numbered from 1 without a gap, at most `window` under way,
// sent again in order to a server run that may not have them, and kept until the shard has
// acknowledged them. Log rule 7 of docs/storage.md is its contract with the shard.
//
// A shard that has not got a push which it had acknowledged has lost data: an error, or, with
// `recovery: report`, counted, and an empty push takes its place.
// Thread safety: none; it belongs to one client.
#pragma once

#include <cstdint>
#include <deque>

#include "common/config/ps_config.h"
#include "common/metrics/metrics.h"
#include "common/wire/message.h"
#include "worker/client/shard_link.h"

namespace cairn::client {

class PushWindow {
 public:
  // `link` and `metrics` outlive the window.
  PushWindow(ShardLink& link, uint32_t window, Recovery recovery, WorkerMetrics& metrics)
      : link_(&link), window_(window), recovery_(recovery), metrics_(&metrics) {}

  bool has_room() const { return sequence_ - acknowledged_ < window_; }
  bool all_acknowledged() const { return sequence_ == acknowledged_; }

  // Sends the next push; `message` lacks its header. There is room.
  Status push(uint64_t step, Message message);
  void acknowledge(uint64_t sequence);
  // Sends again what is not acknowledged: a new server run, or a connection that was lost, may not
  // have it.
  Status resend(RetryReason reason);
  // Sends pushes that are due and that the window lets through.
  Status send_due();

  // The shard wants push `expected` next. Sets `resend` where everything that is not answered has to
  // be sent again, which the caller does.
  Status on_out_of_order(uint64_t expected, bool& resend);
  // The shard has applied `applied_step` and has accepted pushes up to `accepted`.
  Status on_pong(std::optional<uint64_t> applied_step, std::optional<uint64_t> accepted);

  // Whether empty pushes in the place of lost ones are still to be sent: those follow the step that
  // the shard has applied, which its pongs tell.
  bool fills_a_loss() const { return sent_ < lost_through_; }
  uint64_t lost() const { return lost_; }  // pushes acknowledged and lost

 private:
  Status on_loss(uint64_t accepted);

  ShardLink* link_;
  uint32_t window_;
  Recovery recovery_;
  WorkerMetrics* metrics_;
  uint64_t sequence_ = 0;      // of the last push
  uint64_t acknowledged_ = 0;  // the highest push answered
  uint64_t sent_ = 0;  // the last one sent to this server run; behind sequence_ after a loss
  uint64_t lost_through_ = 0;  // pushes up to this one are empty ones in the place of lost ones
  uint64_t last_step_ = 0;     // of the last push
  uint64_t applied_step_ = 0;  // as the shard last told
  uint64_t lost_ = 0;
  std::deque<Message> pushes_;  // above acknowledged_, in order
  bool resending_ = false;      // they were sent again, and none has been answered since
};

}  // namespace cairn::client
