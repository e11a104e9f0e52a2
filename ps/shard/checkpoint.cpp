#include "ps/shard/checkpoint.h"

#include <utility>

#include "common/wire/replies.h"

namespace cairn::ps {

namespace {
bool is_same_request(const Header& a, const Header& b) {
  return a.worker == b.worker && a.sequence == b.sequence && a.step == b.step;
}
}  // namespace

void Checkpoint::on_request(Request from, const Message& message) {
  const auto refused = [&](StatusCode status, const std::string& why) {
    uses_.replies.refuse(from, status, RefusalReason::kOther, why);
  };
  const Result<CheckpointRequest> request = parse_checkpoint_request(message.text());
  if (!request.ok()) return refused(StatusCode::kBadMessage, request.error().message);
  const std::filesystem::path folder(request.value().folder);
  const uint64_t step = from.header.step, applied = uses_.clock.applied_step;

  if (last_.has_value() && is_same_request(last_->request, from.header) && last_->folder == folder)
    return uses_.replies.text(from, StatusCode::kOk, last_->reply);
  if (under_way_.has_value()) {
    if (!is_same_request(under_way_->from.header, from.header) || under_way_->folder != folder)
      return refused(StatusCode::kFailed, "another checkpoint is under way");
    under_way_->from = std::move(from);  // it came again
    return;
  }
  if (step < applied || (step == applied && uses_.applying()))
    return refused(StatusCode::kFailed, "step " + std::to_string(applied) +
                                            " is applied, too late for a checkpoint of step " +
                                            std::to_string(step));
  under_way_ = UnderWay{.from = std::move(from), .folder = folder};
  // Most dirty rows are written while training goes on to that step.
  if (step > applied && !uses_.flush.active()) uses_.flush.start();
  advance();
}

bool Checkpoint::holds_steps() const {
  return under_way_.has_value() && uses_.clock.applied_step >= under_way_->from.header.step;
}

void Checkpoint::advance() {
  if (!under_way_.has_value()) return;
  if (under_way_->phase == Phase::kWaiting) {
    if (!holds_steps() || !uses_.clock.step_is_over ||
        uses_.clock.commit_lsn > uses_.clock.acknowledged_lsn)
      return;
    under_way_->phase = Phase::kFlushing;
    // Where nothing changed, the store holds every row and count. Otherwise a flush that begins now
    // sees to it.
    const bool changed = uses_.rows.tier().dirty_bytes() > 0 || uses_.rows.filters_changed();
    under_way_->flush = changed ? uses_.flush.begun() + 1 : 0;
  }
  if (under_way_->phase != Phase::kFlushing) return;
  if (under_way_->flush > uses_.flush.ended()) {
    if (!uses_.flush.active()) uses_.flush.start();
    return;
  }
  under_way_->phase = Phase::kStoring;
  uses_.store.checkpoint(under_way_->folder, [this, post = uses_.post](Result<ShardFiles> files) {
    post([this, files = std::move(files)] { stored(files); });
  });
}

void Checkpoint::stored(const Result<ShardFiles>& files) {
  if (uses_.failure.has_value()) return;
  const UnderWay done = std::move(*under_way_);
  under_way_.reset();
  if (files.ok()) {
    CheckpointReply answer{.slots = slots_, .rows = uses_.row_counts()};
    for (const ShardFiles::File& file : files.value().files)
      answer.files.push_back({file.name, file.bytes});
    last_ = {done.from.header, done.folder, to_json(answer)};
    uses_.metrics.checkpoints.Increment();
    uses_.replies.text(done.from, StatusCode::kOk, last_->reply);
  } else {
    // The shard serves as well as before: the job decides whether it goes on.
    uses_.replies.refuse(done.from, StatusCode::kFailed, RefusalReason::kOther,
                         files.error().message);
  }
  uses_.over();
}

void Checkpoint::refuse() {
  if (under_way_.has_value())
    uses_.replies.text(under_way_->from, StatusCode::kFailed, uses_.failure->message);
  under_way_.reset();
}

}  // namespace cairn::ps
