#include "ps/server/shard_loop.h"

#include <pthread.h>
#include <zmq.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <future>
#include <mutex>
#include <utility>
#include <vector>

#include "common/net/sockets.h"

namespace cairn::ps {

namespace {

// Above what an honest client keeps open (8 pushes, 2 x (prefetch + 1) pulls, a PING).
constexpr int kHighWaterMark = 256;
// Messages taken between two looks at completions and write-back.
constexpr int kMessagesAtOnce = 32;
constexpr long kTickMs = 200;

Arrival now() {
  return static_cast<Arrival>(std::chrono::steady_clock::now().time_since_epoch().count());
}

}  // namespace

// The socket. Speaks to libzmq's C functions, because cppzmq throws where a send or receive fails.
class ShardLoop::Router final : public Outbox {
 public:
  explicit Router(ShardMetrics& metrics) : metrics_(metrics) {}

  Result<Endpoint> bind(zmq::context_t& context, const Endpoint& endpoint) {
    Result<BoundSocket> bound = bind_router(context, endpoint, kHighWaterMark);
    if (!bound.ok()) return bound.error();
    BoundSocket made = std::move(bound).value();
    socket_ = std::move(made.socket);
    return std::move(made.endpoint);
  }

  // Waits for a message, the descriptor, or the end of the time.
  void wait(int descriptor, long timeout_ms) {
    std::array<zmq_pollitem_t, 2> items = {
        {{socket_.handle(), 0, ZMQ_POLLIN, 0}, {nullptr, descriptor, ZMQ_POLLIN, 0}}};
    zmq_poll(items.data(), static_cast<int>(items.size()), timeout_ms);
  }

  // Takes one message if there is one. More parts than a message has are dropped, but for one that
  // shows it.
  bool receive(Peer& peer, std::vector<zmq::message_t>& parts) {
    zmq::message_t part;
    if (!take(part)) return false;
    peer.assign(static_cast<const char*>(part.data()), part.size());
    parts.clear();
    size_t bytes = 0;
    for (bool more = part.more(); more;) {
      part.rebuild();
      if (!take(part)) return false;
      more = part.more();
      bytes += part.size();
      if (parts.size() <= kMessageParts) parts.push_back(std::move(part));
    }
    metrics_.received_bytes.Increment(static_cast<double>(bytes));
    return true;
  }

  void send(const Peer& peer, Message message, Arrival asked) override {
    const Header header = message.header;
    zmq::message_t id(peer.data(), peer.size());
    // Refused where the peer is gone (EHOSTUNREACH) or reads no replies (EAGAIN). Once the id is
    // taken, the parts behind it are too.
    if (zmq_msg_send(id.handle(), socket_.handle(), ZMQ_DONTWAIT | ZMQ_SNDMORE) < 0) return;
    std::vector<zmq::message_t> parts = to_parts(std::move(message));
    size_t bytes = 0;
    for (size_t i = 0; i < parts.size(); ++i) {
      bytes += parts[i].size();
      zmq_msg_send(parts[i].handle(), socket_.handle(),
                   ZMQ_DONTWAIT | (i + 1 < parts.size() ? ZMQ_SNDMORE : 0));
    }
    metrics_.sent_bytes.Increment(static_cast<double>(bytes));
    if (header.status != StatusCode::kOk) return;
    const double seconds = static_cast<double>(now() - asked) * 1e-9;
    if (header.op == Op::kPull) metrics_.pull_duration_seconds.Observe(seconds);
    if (header.op == Op::kPush) metrics_.push_duration_seconds.Observe(seconds);
  }

 private:
  bool take(zmq::message_t& part) {
    return zmq_msg_recv(part.handle(), socket_.handle(), ZMQ_DONTWAIT) >= 0;
  }

  ShardMetrics& metrics_;
  zmq::socket_t socket_;
};

ShardLoop::ShardLoop() = default;

Result<std::unique_ptr<ShardLoop>> ShardLoop::start(ShardOptions options, zmq::context_t& context,
                                                    const Endpoint& endpoint, Stores stores,
                                                    ShardMetrics& metrics,
                                                    std::function<void(Error)> failed) {
  std::unique_ptr<ShardLoop> loop(new ShardLoop());
  loop->completions_ = std::make_unique<CompletionQueue>();
  loop->router_ = std::make_unique<Router>(metrics);
  Result<Endpoint> bound = loop->router_->bind(context, endpoint);
  if (!bound.ok()) return bound.error();
  loop->endpoint_ = std::move(bound).value();
  loop->store_ = std::move(stores.store);

  ShardLoop* const self = loop.get();
  // Without a replay start a log could not be recovered, so nobody hears of the shard before it is
  // there.
  const auto replay_start_logged = std::make_shared<std::promise<Status>>();
  const auto first = std::make_shared<std::once_flag>();
  std::future<Status> replay_start = replay_start_logged->get_future();
  Result<std::unique_ptr<PushLog>> log = stores.open_log([=](Result<Lsn> acknowledged) {
    std::call_once(*first, [&] {
      replay_start_logged->set_value(acknowledged.ok() ? Status(Ok{})
                                                       : Status(acknowledged.error()));
    });
    self->completions_->post(
        [self, acknowledged = std::move(acknowledged)] { self->shard_->on_logged(acknowledged); });
  });
  if (!log.ok()) return log.error();
  loop->log_ = std::move(log).value();

  const uint32_t number = options.shard;
  Result<std::unique_ptr<Shard>> shard = Shard::create(
      std::move(options),
      {.outbox = *loop->router_,
       .log = *loop->log_,
       .store = *loop->store_,
       .post = [self](std::function<void()> call) { self->completions_->post(std::move(call)); },
       .metrics = metrics,
       .failed = std::move(failed)},
      std::move(stores.recovered));
  if (!shard.ok()) return shard.error();
  loop->shard_ = std::move(shard).value();
  if (const Status logged = replay_start.get(); !logged.ok()) return logged.error();
  loop->thread_ = std::jthread([self, number] {
    pthread_setname_np(pthread_self(), ("shard-" + std::to_string(number)).c_str());
    self->run();
  });
  return loop;
}

ShardLoop::~ShardLoop() {
  stop_ = true;
  completions_->wake();
  if (thread_.joinable()) thread_.join();
}

void ShardLoop::run() {
  Peer peer;
  std::vector<zmq::message_t> parts;
  const zmq::message_t nothing;
  bool more_work = false;
  while (!stop_) {
    router_->wait(completions_->descriptor(), more_work ? 0 : kTickMs);
    bool more_messages = true;
    for (int i = 0; i < kMessagesAtOnce && more_messages; ++i) {
      more_messages = router_->receive(peer, parts);
      if (!more_messages) break;
      Result<Message> message = parse_message(parts);
      if (message.ok()) {
        shard_->on_message(peer, std::move(message).value(), now());
      } else {
        shard_->on_bad_message(peer, parts.empty() ? nothing : parts.front(), message.error(),
                               now());
      }
    }
    completions_->run();
    more_work = shard_->on_tick() || more_messages;
  }
}

}  // namespace cairn::ps
