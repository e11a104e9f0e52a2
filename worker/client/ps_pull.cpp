// Pulls: asked for once, or early and then, for what has changed, again.
//
// Why the two answers make up the one of an unflagged pull: the second is given when the step
// before is applied and logged, by the server process that gave the first (another one answers in
// full). That process only goes forward. A row that it has and whose last step is not above the
// step of the first answer had all its changes then, and every other row is in the second answer.
#include <algorithm>
#include <utility>

#include "worker/client/ps_client.h"

namespace cairn {

Result<PsClient::PullId> PsClient::start_pull(uint64_t step, std::span<const std::vector<Key>> keys,
                                              uint32_t flags,
                                              std::span<const std::vector<uint64_t>> known) {
  const PullId id = next_request_++;
  Pull& pull = pulls_[id];
  pull.again_id = next_request_++;
  pull.step = step;
  pull.split = ShardSplit(keys, options_.slots);
  if (!known.empty()) pull.by_changed_since = ShardSplit(keys, options_.slots, known);
  const ShardSplit& asked = known.empty() ? pull.split : *pull.by_changed_since;
  pull.parts.resize(shards_.size());
  pull.missing = static_cast<uint32_t>(shards_.size());
  for (uint32_t s = 0; s < shards_.size(); ++s) {
    Message& request = pull.parts[s].request;
    request.header = header(Op::kPull, step, id);
    request.header.flags = flags;
    request.header.server_run = shards_[s].server_run;
    asked.write_keys(s, keys, options_.table_dims, options_.wire, request);
    // This server knows nothing of what the ones before it told.
    for (TableEntry& entry : request.directory)
      if (entry.changed_since <= shards_[s].told_by_others) entry.changed_since = 0;
    check(request.directory.size() <= kEntriesMax, "a pull of too many different known steps");
    if (const Status sent = send(s, share(request)); !sent.ok()) return sent.error();
  }
  return id;
}

Result<ShardSplit> PsClient::finish_pull(PullId id, std::vector<std::vector<float>>& rows,
                                         std::vector<std::vector<uint8_t>>* kept) {
  const auto found = pulls_.find(id);
  check(found != pulls_.end(), "finish_pull of a pull that was not started");
  Pull& pull = found->second;
  if (const Status asked = ask_again(pull); !asked.ok()) return asked.error();
  check(rows.size() == options_.table_dims.size(), "rows of every table");
  for (uint32_t t = 0; t < rows.size(); ++t)
    rows[t].resize(pull.split.keys(t) * options_.table_dims[t]);
  std::span<std::vector<uint8_t>> marks;
  if (kept != nullptr) {
    kept->resize(rows.size());
    for (uint32_t t = 0; t < rows.size(); ++t) (*kept)[t].assign(pull.split.keys(t), 1);
    marks = *kept;
  }
  const ShardSplit& asked = pull.by_changed_since ? *pull.by_changed_since : pull.split;
  const auto put = [&](uint32_t s, const Message& reply) {
    asked.scatter(s, reply, options_.table_dims, options_.wire, rows, marks);
  };
  // What came early is put in place while the rest is awaited.
  std::vector<bool> is_placed(shards_.size());
  for (uint32_t s = 0; s < shards_.size(); ++s) {
    is_placed[s] = pull.parts[s].early.has_value();
    if (is_placed[s]) put(s, *pull.parts[s].early);
  }
  if (const Status waited = wait_for(pull); !waited.ok()) return waited.error();
  for (uint32_t s = 0; s < shards_.size(); ++s) {
    const PullPart& part = pull.parts[s];
    if (part.early && !is_placed[s]) put(s, *part.early);
    put(s, part.reply);
  }
  ShardSplit split = std::move(pull.split);
  pulls_.erase(found);
  return split;
}

void PsClient::abandon_pull(PullId id) { pulls_.erase(id); }

Status PsClient::on_rows(uint32_t s, Message reply) {
  const uint64_t id = reply.header.sequence;
  const auto found = std::ranges::find_if(
      pulls_, [&](const auto& pull) { return pull.first == id || pull.second.again_id == id; });
  if (found == pulls_.end()) return Ok{};  // abandoned, or it came again
  Pull& pull = found->second;
  PullPart& part = pull.parts[s];
  if (part.request.header.sequence != id) return Ok{};  // answered before
  const bool early = (reply.header.flags & kPullSpeculative) != 0;
  if (!answers(reply, part.request) ||
      (early && (part.request.header.flags & kPullSpeculative) == 0))
    return Error{ErrorCode::kUnavailable,
                 "shard " + std::to_string(s) + " at " + shards_[s].endpoint +
                     " answered a pull with other rows than were asked for"};
  shards_[s].told_step = std::max(shards_[s].told_step, reply.header.step);
  if (!early) {
    part.reply = std::move(reply);
    part.request = Message();
    part.answered = true;
    --pull.missing;
    return Ok{};
  }
  part.request.header.sequence = pull.again_id;
  part.request.header.flags &= ~kPullSpeculative;
  part.request.header.server_run = reply.header.server_run;
  for (TableEntry& entry : part.request.directory) entry.changed_since = reply.header.step;
  part.early = std::move(reply);
  return pull.is_due ? send(s, share(part.request)) : Status(Ok{});
}

Status PsClient::ask_again(Pull& pull) {
  if (std::exchange(pull.is_due, true)) return Ok{};
  for (uint32_t s = 0; s < shards_.size(); ++s) {
    PullPart& part = pull.parts[s];
    if (part.answered || !part.early) continue;
    if (const Status sent = send(s, share(part.request)); !sent.ok()) return sent;
  }
  return Ok{};
}

}  // namespace cairn
