#include "worker/client/ps_client.h"

#include <algorithm>
#include <utility>

namespace cairn {
namespace {

constexpr std::chrono::milliseconds kPollSlice{200};
constexpr std::chrono::seconds kPingEvery{5};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

Error unavailable(std::string what) { return {ErrorCode::kUnavailable, std::move(what)}; }

}  // namespace

PsClient::PsClient(const PsClientOptions& options, WorkerMetrics& metrics)
    : options_(options), metrics_(metrics) {}

Result<std::unique_ptr<PsClient>> PsClient::connect(const PsClientOptions& options,
                                                    zmq::context_t& context,
                                                    WorkerMetrics& metrics) {
  std::unique_ptr<PsClient> client(new PsClient(options, metrics));
  check(options.endpoints.size() == options.slots.shards, "one endpoint per shard");
  for (const std::string& endpoint : options.endpoints) {
    Shard shard;
    shard.endpoint = endpoint;
    shard.heard = shard.pinged = Clock::now();
    try {
      shard.socket = zmq::socket_t(context, zmq::socket_type::dealer);
      shard.socket.set(zmq::sockopt::linger, 0);
      shard.socket.set(zmq::sockopt::sndhwm, 0);  // the window bounds what is under way
      shard.socket.set(zmq::sockopt::rcvhwm, 0);
      shard.socket.set(zmq::sockopt::maxmsgsize, kMessageBytesMax);
      shard.socket.connect(endpoint);
    } catch (const zmq::error_t& error) {
      return unavailable("cannot connect to shard " + std::to_string(client->shards_.size()) +
                         " at " + endpoint + ": " + error.what());
    }
    client->shards_.push_back(std::move(shard));
  }
  for (uint32_t s = 0; s < client->shards_.size(); ++s)
    if (const Status status = client->monitor_connection(context, s); !status.ok())
      return status.error();
  for (Shard& shard : client->shards_)
    client->poll_items_.push_back({shard.socket.handle(), 0, ZMQ_POLLIN, 0});
  return client;
}

Header PsClient::header(Op op, uint64_t step, uint64_t sequence) const {
  Header header;
  header.op = op;
  header.incarnation = options_.incarnation;
  header.sequence = sequence;
  header.step = step;
  header.worker = options_.worker;
  header.map_version = options_.slots.version;
  return header;
}

Status PsClient::push(uint64_t step, std::span<const std::vector<Key>> keys,
                      const ShardSplit& split, std::span<const std::vector<float>> gradients) {
  const Clock::time_point waited = Clock::now();
  const Status room = wait_until([&] {
    return std::all_of(shards_.begin(), shards_.end(), [&](const Shard& shard) {
      return shard.sequence - shard.acknowledged < options_.window;
    });
  });
  if (!room.ok()) return room;
  metrics_.push_wait_seconds.Observe(seconds_since(waited));
  for (uint32_t s = 0; s < shards_.size(); ++s) {
    Message message;
    message.header = header(Op::kPush, step, ++shards_[s].sequence);
    shards_[s].last_step = step;
    split.write_keys(s, keys, options_.table_dims, options_.wire, message);
    message.values = split.gather(s, gradients, options_.table_dims, options_.wire);
    shards_[s].pushes.push_back(std::move(message));
    if (const Status sent = send_pushes(s); !sent.ok()) return sent;
  }
  // Behind the push, which they would hold up.
  for (auto& [id, pull] : pulls_) {
    if (pull.step > step + 1) continue;
    if (const Status asked = ask_again(pull); !asked.ok()) return asked;
  }
  return Ok{};
}

Status PsClient::wait_for(const Pull& pull) {
  const Clock::time_point waited = Clock::now();
  const Status status = wait_until([&] { return pull.missing == 0; });
  if (status.ok()) metrics_.pull_wait_seconds.Observe(seconds_since(waited));
  return status;
}

Status PsClient::wait_pushes() {
  return wait_until([&] {
    return std::all_of(shards_.begin(), shards_.end(),
                       [](const Shard& shard) { return shard.sequence == shard.acknowledged; });
  });
}

Result<std::vector<std::string>> PsClient::checkpoint(uint64_t step,
                                                      std::span<const std::string> folders) {
  return ask_all(Op::kCheckpoint, step, folders);
}

Result<std::vector<std::string>> PsClient::stats() {
  return ask_all(Op::kStats, 0, std::vector<std::string>(shards_.size()));
}

Result<std::vector<std::string>> PsClient::ask_all(Op op, uint64_t step,
                                                   std::span<const std::string> texts) {
  check(texts.size() == shards_.size(), "one text per shard");
  for (uint32_t s = 0; s < shards_.size(); ++s) {
    Message message;
    shards_[s].asked_id = next_request_++;
    message.header = header(op, step, shards_[s].asked_id);
    message.values = zmq::message_t(texts[s]);
    shards_[s].asked = share(message);
    if (const Status sent = send(s, std::move(message)); !sent.ok()) return sent.error();
  }
  const Status status = wait_until([&] {
    return std::all_of(shards_.begin(), shards_.end(),
                       [](const Shard& shard) { return shard.asked_id == 0; });
  });
  if (!status.ok()) return status.error();
  std::vector<std::string> answers;
  for (Shard& shard : shards_) answers.push_back(std::move(shard.answer));
  return answers;
}

Status PsClient::send(uint32_t shard, Message message) {
  try {
    std::vector<zmq::message_t> parts = to_parts(std::move(message));
    for (size_t i = 0; i < parts.size(); ++i)
      shards_[shard].socket.send(
          parts[i], i + 1 < parts.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
  } catch (const zmq::error_t& error) {
    return unavailable("sending to shard " + std::to_string(shard) + ": " + error.what());
  }
  return Ok{};
}

template <typename Ready>
Status PsClient::wait_until(Ready ready) {
  // Takes in what has come even if nothing is waited for: acknowledgements must not pile up.
  if (const Status status = pump(std::chrono::milliseconds{0}); !status.ok()) return status;
  const Clock::time_point since = Clock::now();
  while (!ready()) {
    if (const Status status = pump(kPollSlice); !status.ok()) return status;
    if (ready()) break;
    if (const Status status = check_silence(since); !status.ok()) return status;
  }
  return Ok{};
}

Status PsClient::pump(std::chrono::milliseconds wait) {
  try {
    if (zmq::poll(poll_items_, wait) == 0) return Ok{};
  } catch (const zmq::error_t& error) {
    if (error.num() == EINTR) return Ok{};
    return unavailable(std::string("waiting for shards: ") + error.what());
  }
  for (uint32_t s = 0; s < shards_.size(); ++s)
    if (poll_items_[s].revents & ZMQ_POLLIN)
      if (const Status status = receive(s); !status.ok()) return status;
  return Ok{};
}

Status PsClient::receive(uint32_t shard) {
  for (;;) {
    std::vector<zmq::message_t> parts;
    try {
      do {
        zmq::message_t part;
        if (!shards_[shard].socket.recv(part, zmq::recv_flags::dontwait)) return Ok{};
        parts.push_back(std::move(part));
      } while (parts.back().more());
    } catch (const zmq::error_t& error) {
      if (error.num() == EINTR) continue;
      return unavailable("receiving from shard " + std::to_string(shard) + ": " + error.what());
    }
    Result<Message> message = parse_message(parts);
    if (!message.ok())
      return unavailable("shard " + std::to_string(shard) + " at " + shards_[shard].endpoint +
                         " sent nonsense: " + message.error().message);
    if (Status status = handle(shard, std::move(message).value()); !status.ok()) return status;
  }
}

Status PsClient::handle(uint32_t s, Message message) {
  Shard& shard = shards_[s];
  const Header& header = message.header;
  shard.heard = Clock::now();
  const std::string name = "shard " + std::to_string(s) + " at " + shard.endpoint;
  if (header.incarnation != options_.incarnation && header.status == StatusCode::kOk) return Ok{};
  if (const Status noted = note_server_run(s, header.server_run); !noted.ok()) return noted;
  if (header.status == StatusCode::kOutOfOrder && header.op == Op::kPush)
    return on_out_of_order(s, header.sequence);
  if (header.status != StatusCode::kOk)
    return unavailable(name + " refused: " + std::string(message.text()));
  switch (header.op) {
    case Op::kPull:
      return on_rows(s, std::move(message));
    case Op::kPush:
      acknowledge(shard, header.sequence);
      return send_pushes(s);
    case Op::kCheckpoint:
    case Op::kStats:
      if (header.sequence == shard.asked_id) {
        shard.answer = std::string(message.text());
        shard.asked_id = 0;
      }
      return Ok{};
    case Op::kPing:
      return on_pong(s, message.text());
  }
  return Ok{};
}

void PsClient::acknowledge(Shard& shard, uint64_t sequence) {
  if (sequence <= shard.acknowledged || sequence > shard.sent) return;
  shard.resending = false;
  // In the order of its log: those before it are logged as well, though their answers were lost.
  for (; shard.acknowledged < sequence; ++shard.acknowledged) shard.pushes.pop_front();
}

Status PsClient::ping(uint32_t shard) {
  shards_[shard].pinged = Clock::now();
  Message ping;
  ping.header = header(Op::kPing, 0, next_request_++);
  return send(shard, std::move(ping));
}

Status PsClient::check_silence(Clock::time_point waiting_since) {
  const Clock::time_point now = Clock::now();
  for (uint32_t s = 0; s < shards_.size(); ++s) {
    Shard& shard = shards_[s];
    // Silence counts only while we wait: a worker may compute longer than the timeout.
    const auto silent = now - std::max(shard.heard, waiting_since);
    if (silent > std::chrono::seconds(options_.timeout_s))
      return unavailable("nothing came from shard " + std::to_string(s) + " at " + shard.endpoint +
                         " for " + std::to_string(options_.timeout_s) + " s (ps.timeout_s)");
    if (const Status looked = look_for_lost_connection(s); !looked.ok()) return looked;
    // Empty pushes in the place of lost ones follow the step that the shard has applied.
    const bool fills = shard.sent < shard.lost_through;
    if ((fills && now - shard.pinged > kPollSlice) ||
        (silent > kPingEvery && now - shard.pinged > kPingEvery))
      if (const Status sent = ping(s); !sent.ok()) return sent;
    const bool owes_a_pull = std::any_of(pulls_.begin(), pulls_.end(), [&](const auto& pull) {
      return !pull.second.parts[s].answered;
    });
    if (owes_a_pull && now - waiting_since > std::chrono::seconds(options_.stall_timeout_s))
      return unavailable("a pull has waited for " + std::to_string(options_.stall_timeout_s) +
                         " s (train.stall_timeout_s) at shard " + std::to_string(s) +
                         ", which says: " + shard.pong);
  }
  return Ok{};
}

}  // namespace cairn
