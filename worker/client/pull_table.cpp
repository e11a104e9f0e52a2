#include "worker/client/pull_table.h"

#include <algorithm>
#include <utility>

#include "common/check.h"

namespace cairn::client {

PullTable::PullTable(Rows rows, std::span<ShardLink> links, uint64_t& next_request)
    : rows_(std::move(rows)), links_(links), next_request_(next_request), told_(links.size()) {}

PullTable::Pull& PullTable::at(PullId id) {
  const auto found = pulls_.find(id);
  check(found != pulls_.end(), "a pull that was not started");
  return found->second;
}

Result<PullId> PullTable::start(uint64_t step, std::span<const std::vector<Key>> keys,
                                uint32_t flags, std::span<const std::vector<uint64_t>> known) {
  const PullId id = next_request_++;
  Pull& pull = pulls_[id];
  pull.again_id = next_request_++;
  pull.step = step;
  pull.split = ShardSplit(keys, rows_.slots);
  if (!known.empty()) pull.by_changed_since = ShardSplit(keys, rows_.slots, known);
  pull.parts.resize(links_.size());
  pull.missing = static_cast<uint32_t>(links_.size());
  for (uint32_t s = 0; s < links_.size(); ++s) {
    Message& request = pull.parts[s].request;
    request.header = links_[s].header(Op::kPull, step, id);
    request.header.flags = flags;
    request.header.server_run = links_[s].server_run();
    pull.asked().write_keys(s, keys, rows_.table_dims, rows_.wire, request);
    for (TableEntry& entry : request.directory)
      if (entry.changed_since <= told_[s].by_others) entry.changed_since = 0;
    check(request.directory.size() <= kEntriesMax, "a pull of too many different known steps");
    if (const Status sent = links_[s].send(share(request)); !sent.ok()) return sent.error();
  }
  return id;
}

Status PullTable::ask_for_changes(PullId id) { return ask_for_changes(at(id)); }

Status PullTable::ask_for_changes_up_to(uint64_t step) {
  for (auto& [id, pull] : pulls_) {
    if (pull.step > step) continue;
    if (const Status asked = ask_for_changes(pull); !asked.ok()) return asked;
  }
  return Ok{};
}

Status PullTable::ask_for_changes(Pull& pull) {
  if (std::exchange(pull.is_due, true)) return Ok{};
  for (uint32_t s = 0; s < links_.size(); ++s) {
    Part& part = pull.parts[s];
    if (part.answered || !part.early) continue;
    if (const Status sent = links_[s].send(share(part.request)); !sent.ok()) return sent;
  }
  return Ok{};
}

void PullTable::put(const Pull& pull, uint32_t shard, const Message& reply,
                    std::vector<std::vector<float>>& rows,
                    std::vector<std::vector<uint8_t>>* kept) {
  const std::span<std::vector<uint8_t>> marks =
      kept == nullptr ? std::span<std::vector<uint8_t>>() : std::span(*kept);
  pull.asked().scatter(shard, reply, rows_.table_dims, rows_.wire, rows, marks);
}

void PullTable::place_early(PullId id, std::vector<std::vector<float>>& rows,
                            std::vector<std::vector<uint8_t>>* kept) {
  Pull& pull = at(id);
  check(rows.size() == rows_.table_dims.size(), "rows of every table");
  for (uint32_t t = 0; t < rows.size(); ++t)
    rows[t].resize(pull.split.keys(t) * rows_.table_dims[t]);
  if (kept != nullptr) {
    kept->resize(rows.size());
    for (uint32_t t = 0; t < rows.size(); ++t) (*kept)[t].assign(pull.split.keys(t), 1);
  }
  for (uint32_t s = 0; s < links_.size(); ++s) {
    Part& part = pull.parts[s];
    part.is_placed = part.early.has_value();
    if (part.is_placed) put(pull, s, *part.early, rows, kept);
  }
}

ShardSplit PullTable::finish(PullId id, std::vector<std::vector<float>>& rows,
                             std::vector<std::vector<uint8_t>>* kept) {
  Pull& pull = at(id);
  check(pull.missing == 0, "a pull is finished when every shard has answered");
  for (uint32_t s = 0; s < links_.size(); ++s) {
    const Part& part = pull.parts[s];
    if (part.early && !part.is_placed) put(pull, s, *part.early, rows, kept);
    put(pull, s, part.reply, rows, kept);
  }
  ShardSplit split = std::move(pull.split);
  pulls_.erase(id);
  return split;
}

Status PullTable::on_rows(uint32_t s, Message reply) {
  const uint64_t id = reply.header.sequence;
  const auto found = std::ranges::find_if(
      pulls_, [&](const auto& pull) { return pull.first == id || pull.second.again_id == id; });
  if (found == pulls_.end()) return Ok{};  // abandoned, or it came again
  Pull& pull = found->second;
  Part& part = pull.parts[s];
  if (part.request.header.sequence != id) return Ok{};  // answered before
  const bool early = (reply.header.flags & kPullSpeculative) != 0;
  if (!answers(reply, part.request) ||
      (early && (part.request.header.flags & kPullSpeculative) == 0))
    return Error{ErrorCode::kUnavailable,
                 links_[s].name() + " answered a pull with other rows than were asked for"};
  told_[s].step = std::max(told_[s].step, reply.header.step);
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
  return pull.is_due ? links_[s].send(share(part.request)) : Status(Ok{});
}

Status PullTable::resend(uint32_t s, prometheus::Counter& resent) {
  for (auto& [id, pull] : pulls_) {
    Part& part = pull.parts[s];
    if (part.answered || (!pull.is_due && part.early)) continue;
    resent.Increment();
    if (const Status sent = links_[s].send(share(part.request)); !sent.ok()) return sent;
  }
  return Ok{};
}

bool PullTable::waits_for(uint32_t shard) const {
  return std::ranges::any_of(pulls_,
                             [&](const auto& pull) { return !pull.second.parts[shard].answered; });
}

}  // namespace cairn::client
