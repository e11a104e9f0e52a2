#include "worker/client/push_window.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace cairn::client {

namespace {
// Steps that empty pushes run ahead of the one applied: half of what a shard bears.
constexpr uint64_t kStepsAhead = 32;
}  // namespace

Status PushWindow::push(uint64_t step, Message message) {
  message.header = link_->header(Op::kPush, step, ++sequence_);
  message.header.tables = static_cast<uint32_t>(message.directory.size());
  last_step_ = step;
  pushes_.push_back(std::move(message));
  return send_due();
}

void PushWindow::acknowledge(uint64_t sequence) {
  if (sequence <= acknowledged_ || sequence > sent_) return;
  resending_ = false;
  // In the order of its log: those before it are logged as well, though their answers were lost.
  for (; acknowledged_ < sequence; ++acknowledged_) pushes_.pop_front();
}

Status PushWindow::resend(RetryReason reason) {
  sent_ = acknowledged_;
  resending_ = !pushes_.empty();
  metrics_->retries(reason).Increment(static_cast<double>(pushes_.size()));
  return send_due();
}

Status PushWindow::send_due() {
  while (sent_ < sequence_ && sent_ - acknowledged_ < window_) {
    Message& push = pushes_[sent_ - acknowledged_];
    // A shard refuses pushes of a worker that is far ahead of the others.
    if (fills_a_loss() && push.header.step > applied_step_ + kStepsAhead) break;
    if (const Status sent = link_->send(share(push)); !sent.ok()) return sent;
    ++sent_;
  }
  return Ok{};
}

Status PushWindow::on_pong(std::optional<uint64_t> applied_step, std::optional<uint64_t> accepted) {
  applied_step_ = applied_step.value_or(applied_step_);
  if (accepted && *accepted < acknowledged_) return on_loss(*accepted);
  return send_due();
}

Status PushWindow::on_out_of_order(uint64_t expected, bool& resend) {
  if (expected <= acknowledged_) return on_loss(std::max<uint64_t>(expected, 1) - 1);
  // Pushes sent again are on their way, behind the push that this answers.
  resend = !resending_;
  return Ok{};
}

// The shard has pushes up to `accepted` alone, and has acknowledged later ones.
Status PushWindow::on_loss(uint64_t accepted) {
  const std::string lost =
      fmt::format("{} has lost data: it has pushes up to {}, and has acknowledged {}",
                  link_->name(), accepted, acknowledged_);
  if (recovery_ == Recovery::kStrict)
    return Error{ErrorCode::kUnavailable,
                 lost +
                     "; `train --resume` goes back to the checkpoint (`ps.recovery: report` "
                     "would go on without them)"};
  spdlog::error("{}; empty ones take their place", lost);
  const uint64_t count = acknowledged_ - accepted;
  lost_ += count;
  metrics_->lost_pushes.Increment(static_cast<double>(count));
  lost_through_ = std::max(lost_through_, acknowledged_);
  // There is one push per step: those before the last one are of the steps before its own.
  for (; acknowledged_ > accepted; --acknowledged_) {
    Message empty;
    empty.header =
        link_->header(Op::kPush, last_step_ - (sequence_ - acknowledged_), acknowledged_);
    pushes_.push_front(std::move(empty));
  }
  sent_ = accepted;
  resending_ = true;
  applied_step_ = 0;  // it has gone back; the answer to the ping tells where to
  return link_->ping();
}

}  // namespace cairn::client
