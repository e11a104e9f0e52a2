#include "worker/client/shard_link.h"

#include <utility>

namespace cairn::client {

ShardLink::ShardLink(Transport& transport, uint32_t shard, const Sender& sender,
                     uint64_t& next_request)
    : transport_(&transport),
      shard_(shard),
      sender_(sender),
      next_request_(&next_request),
      heard_(transport.now()),
      pinged_(heard_) {}

Header ShardLink::header(Op op, uint64_t step, uint64_t sequence) const {
  Header header;
  header.op = op;
  header.incarnation = sender_.incarnation;
  header.sequence = sequence;
  header.step = step;
  header.worker = sender_.worker;
  header.map_version = sender_.map_version;
  return header;
}

Status ShardLink::ping() {
  pinged_ = transport_->now();
  Message ping;
  ping.header = header(Op::kPing, 0, (*next_request_)++);
  return send(std::move(ping));
}

std::optional<RetryReason> ShardLink::on_reply(uint64_t server_run) {
  heard_ = transport_->now();
  const bool lost = std::exchange(connection_lost_, false);
  const uint64_t before = std::exchange(server_run_, server_run);
  if (before != 0 && before != server_run) return RetryReason::kNewServerRun;
  return lost ? std::optional(RetryReason::kDisconnect) : std::nullopt;
}

Status ShardLink::look_for_lost_connection() {
  if (!transport_->lost_connection(shard_)) return Ok{};
  connection_lost_ = true;
  return ping();
}

Status ShardLink::ask(Op op, uint64_t step, const std::string& text) {
  asked_id_ = (*next_request_)++;
  Message message;
  message.header = header(op, step, asked_id_);
  message.values = zmq::message_t(text);
  asked_ = share(message);
  return send(std::move(message));
}

Status ShardLink::ask_again() { return is_asked() ? send(share(asked_)) : Status(Ok{}); }

void ShardLink::on_answer(const Message& reply) {
  if (reply.header.sequence != asked_id_) return;
  answer_ = std::string(reply.text());
  asked_id_ = 0;
}

std::string ShardLink::name() const {
  return "shard " + std::to_string(shard_) + " at " + transport_->endpoint(shard_);
}

}  // namespace cairn::client
