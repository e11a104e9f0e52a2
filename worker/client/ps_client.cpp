#include "worker/client/ps_client.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "common/check.h"
#include "common/wire/replies.h"
#include "worker/client/zmq_transport.h"

namespace cairn::client {
namespace {

constexpr std::chrono::milliseconds kPollSlice{200};
constexpr std::chrono::seconds kPingEvery{5};

Error unavailable(std::string what) { return {ErrorCode::kUnavailable, std::move(what)}; }

}  // namespace

PsClient::PsClient(const PsClientOptions& options, std::unique_ptr<Transport> transport,
                   WorkerMetrics& metrics)
    : options_(options),
      metrics_(metrics),
      transport_(std::move(transport)),
      links_([&] {
        std::vector<ShardLink> links;
        const ShardLink::Sender sender = {.incarnation = options.incarnation,
                                          .worker = options.worker,
                                          .map_version = options.slots.version};
        for (uint32_t s = 0; s < transport_->shards(); ++s)
          links.emplace_back(*transport_, s, sender, next_request_);
        return links;
      }()),
      windows_([&] {
        std::deque<PushWindow> windows;
        for (ShardLink& link : links_)
          windows.emplace_back(link, options.window, options.recovery, metrics);
        return windows;
      }()),
      pulls_({.slots = options.slots, .table_dims = options.table_dims, .wire = options.wire},
             links_, next_request_) {
  check(links_.size() == options.slots.shards, "one endpoint per shard");
}

Result<std::unique_ptr<PsClient>> PsClient::connect(const PsClientOptions& options,
                                                    zmq::context_t& context,
                                                    WorkerMetrics& metrics) {
  Result<std::unique_ptr<ZmqTransport>> transport =
      ZmqTransport::connect(options.endpoints, context);
  if (!transport.ok()) return transport.error();
  return over(std::move(transport).value(), options, metrics);
}

std::unique_ptr<PsClient> PsClient::over(std::unique_ptr<Transport> transport,
                                         const PsClientOptions& options, WorkerMetrics& metrics) {
  return std::unique_ptr<PsClient>(new PsClient(options, std::move(transport), metrics));
}

Result<PullId> PsClient::start_pull(uint64_t step, std::span<const std::vector<Key>> keys,
                                    uint32_t flags, std::span<const std::vector<uint64_t>> known) {
  return pulls_.start(step, keys, flags, known);
}

Result<ShardSplit> PsClient::finish_pull(PullId id, std::vector<std::vector<float>>& rows,
                                         std::vector<std::vector<uint8_t>>* kept) {
  if (const Status asked = pulls_.ask_for_changes(id); !asked.ok()) return asked.error();
  // Speculative answers are put in place while the rest is awaited.
  pulls_.place_early(id, rows, kept);
  const Clock::time_point waited = transport_->now();
  const Status complete = wait_until([&] { return pulls_.is_complete(id); });
  if (!complete.ok()) return complete.error();
  metrics_.pull_wait_seconds.Observe(
      std::chrono::duration<double>(transport_->now() - waited).count());
  return pulls_.finish(id, rows, kept);
}

void PsClient::abandon_pull(PullId id) { pulls_.abandon(id); }

Status PsClient::push(uint64_t step, std::span<const std::vector<Key>> keys,
                      const ShardSplit& split, std::span<const std::vector<float>> gradients) {
  const Clock::time_point waited = transport_->now();
  const Status room =
      wait_until([&] { return std::ranges::all_of(windows_, &PushWindow::has_room); });
  if (!room.ok()) return room;
  metrics_.push_wait_seconds.Observe(
      std::chrono::duration<double>(transport_->now() - waited).count());
  for (uint32_t s = 0; s < links_.size(); ++s) {
    Message message;
    split.write_keys(s, keys, options_.table_dims, options_.wire, message);
    message.values = split.gather(s, gradients, options_.table_dims, options_.wire);
    if (const Status sent = windows_[s].push(step, std::move(message)); !sent.ok()) return sent;
  }
  // Behind the push, which they would hold up.
  return pulls_.ask_for_changes_up_to(step + 1);
}

Status PsClient::wait_pushes() {
  return wait_until([&] { return std::ranges::all_of(windows_, &PushWindow::all_acknowledged); });
}

Result<std::vector<std::string>> PsClient::checkpoint(uint64_t step,
                                                      std::span<const std::string> folders) {
  return ask_all(Op::kCheckpoint, step, folders);
}

Result<std::vector<std::string>> PsClient::stats() {
  return ask_all(Op::kStats, 0, std::vector<std::string>(links_.size()));
}

Result<std::vector<std::string>> PsClient::ask_all(Op op, uint64_t step,
                                                   std::span<const std::string> texts) {
  check(texts.size() == links_.size(), "one text per shard");
  for (uint32_t s = 0; s < links_.size(); ++s)
    if (const Status sent = links_[s].ask(op, step, texts[s]); !sent.ok()) return sent.error();
  const Status status =
      wait_until([&] { return std::ranges::none_of(links_, &ShardLink::is_asked); });
  if (!status.ok()) return status.error();
  std::vector<std::string> answers;
  for (ShardLink& link : links_) answers.push_back(link.take_answer());
  return answers;
}

uint64_t PsClient::lost_pushes() const {
  uint64_t lost = 0;
  for (const PushWindow& window : windows_) lost += window.lost();
  return lost;
}

template <typename Ready>
Status PsClient::wait_until(Ready ready) {
  // Takes in what has come even if nothing is waited for: acknowledgements must not pile up.
  if (const Status status = pump(std::chrono::milliseconds{0}); !status.ok()) return status;
  const Clock::time_point since = transport_->now();
  while (!ready()) {
    if (const Status status = pump(kPollSlice); !status.ok()) return status;
    if (ready()) break;
    if (const Status status = check_silence(since); !status.ok()) return status;
  }
  return Ok{};
}

Status PsClient::pump(std::chrono::milliseconds wait) {
  const Result<bool> anything = transport_->wait(wait);
  if (!anything.ok()) return anything.error();
  if (!anything.value()) return Ok{};
  for (uint32_t s = 0; s < links_.size(); ++s)
    for (;;) {
      Result<std::optional<Message>> message = transport_->receive(s);
      if (!message.ok()) return message.error();
      if (!message.value().has_value()) break;
      if (const Status status = handle(s, std::move(*message.value())); !status.ok()) return status;
    }
  return Ok{};
}

Status PsClient::handle(uint32_t s, Message message) {
  const Header& header = message.header;
  ShardLink& link = links_[s];
  if (header.incarnation != options_.incarnation && header.status == StatusCode::kOk) {
    link.heard_something();
    return Ok{};
  }
  if (const std::optional<RetryReason> reason = link.on_reply(header.server_run))
    if (const Status sent = resend(s, *reason); !sent.ok()) return sent;
  if (header.status == StatusCode::kOutOfOrder && header.op == Op::kPush)
    return on_out_of_order(s, header.sequence);
  if (header.status != StatusCode::kOk)
    return unavailable(link.name() + " refused: " + std::string(message.text()));
  switch (header.op) {
    case Op::kPull:
      return pulls_.on_rows(s, std::move(message));
    case Op::kPush:
      windows_[s].acknowledge(header.sequence);
      return windows_[s].send_due();
    case Op::kCheckpoint:
    case Op::kStats:
      link.on_answer(message);
      return Ok{};
    case Op::kPing:
      return on_pong(s, message.text());
  }
  return Ok{};
}

Status PsClient::resend(uint32_t s, RetryReason reason) {
  ShardLink& link = links_[s];
  if (reason == RetryReason::kNewServerRun) {
    restarts_.insert(link.server_run());
    pulls_.on_new_server_run(s);
  }
  prometheus::Counter& resent = metrics_.retries(reason);
  if (const Status sent = windows_[s].resend(reason); !sent.ok()) return sent;
  if (const Status sent = pulls_.resend(s, resent); !sent.ok()) return sent;
  if (link.is_asked()) resent.Increment();
  if (const Status sent = link.ask_again(); !sent.ok()) return sent;
  // Its pong tells whether it has every push that it acknowledged, even if no push follows.
  return reason == RetryReason::kNewServerRun ? link.ping() : Status(Ok{});
}

Status PsClient::on_out_of_order(uint32_t s, uint64_t expected) {
  bool again = false;
  if (const Status taken = windows_[s].on_out_of_order(expected, again); !taken.ok()) return taken;
  return again ? resend(s, RetryReason::kOutOfOrder) : Status(Ok{});
}

Status PsClient::on_pong(uint32_t s, std::string_view text) {
  links_[s].pong = std::string(text);
  const Result<Pong> pong = parse_pong(text);
  if (!pong.ok()) return windows_[s].on_pong({}, {});
  return windows_[s].on_pong(pong.value().applied_step, pong.value().accepted);
}

Status PsClient::check_silence(Clock::time_point waiting_since) {
  const Clock::time_point now = transport_->now();
  for (uint32_t s = 0; s < links_.size(); ++s) {
    ShardLink& link = links_[s];
    // Silence counts only while we wait: a worker may compute longer than the timeout.
    const auto silent = now - std::max(link.heard(), waiting_since);
    if (silent > std::chrono::seconds(options_.timeout_s))
      return unavailable("nothing came from " + link.name() + " for " +
                         std::to_string(options_.timeout_s) + " s (ps.timeout_s)");
    if (const Status looked = link.look_for_lost_connection(); !looked.ok()) return looked;
    const auto since_ping = now - link.pinged();
    if ((windows_[s].fills_a_loss() && since_ping > kPollSlice) ||
        (silent > kPingEvery && since_ping > kPingEvery))
      if (const Status sent = link.ping(); !sent.ok()) return sent;
    if (pulls_.waits_for(s) && now - waiting_since > std::chrono::seconds(options_.stall_timeout_s))
      return unavailable("a pull has waited for " + std::to_string(options_.stall_timeout_s) +
                         " s (train.stall_timeout_s) at shard " + std::to_string(s) +
                         ", which says: " + link.pong);
  }
  return Ok{};
}

}  // namespace cairn::client
