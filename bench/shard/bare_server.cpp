#include "bench/shard/bare_server.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <span>

#include "bench/shard/driver.h"
#include "common/check.h"
#include "common/wire/header.h"

namespace cairn {

namespace {
constexpr uint64_t kLogBytes = uint64_t{4} << 30;
constexpr uint64_t kMessageMax = uint64_t{4} << 20;
constexpr uint64_t kPage = 4096;

// Frames may start at any address; those of this size start at aligned ones.
template <typename T>
const T* values_of(const zmq::message_t& part) {
  check(reinterpret_cast<uintptr_t>(part.data()) % alignof(T) == 0, "aligned parts");
  return static_cast<const T*>(part.data());
}
}  // namespace

BareServer::BareServer(uint64_t rows, const std::filesystem::path& log)
    : table_(rows), aligned_(kMessageMax, /*huge=*/true) {
  for (uint64_t i = 0; i < rows; ++i) table_.insert(bench_key(i));
  router_.bind("tcp://127.0.0.1:*");
  endpoint_ = router_.get(zmq::sockopt::last_endpoint);
  if (log.empty()) return;
  log_ = ::open(log.c_str(), O_CREAT | O_WRONLY | O_DIRECT, 0600);
  check(log_ >= 0 && ::fallocate(log_, 0, 0, kLogBytes) == 0, "a log for the yardstick");
}

void BareServer::log_push(const zmq::message_t& keys, const zmq::message_t& gradients) {
  const uint64_t bytes = (keys.size() + gradients.size() + kPage - 1) / kPage * kPage;
  check(bytes <= kMessageMax, "a message that fits");
  if (log_end_ + bytes > kLogBytes) log_end_ = 0;
  std::memcpy(aligned_.data(), keys.data(), keys.size());
  std::memcpy(aligned_.data() + keys.size(), gradients.data(), gradients.size());
  check(::pwrite(log_, aligned_.data(), bytes, static_cast<off_t>(log_end_)) ==
                static_cast<ssize_t>(bytes) &&
            ::fdatasync(log_) == 0,
        "writing the yardstick's log");
  log_end_ += bytes;
}

void BareServer::run() {
  zmq::message_t peer, op, keys, gradients;
  const auto receive = [&](zmq::message_t& part) {
    check(router_.recv(part).has_value(), "a part of a message");
  };
  for (;;) {
    receive(peer);
    receive(op);
    receive(keys);
    const std::span<const Key> its(values_of<Key>(keys), keys.size() / sizeof(Key));
    zmq::message_t reply;
    if (*op.data<char>() == static_cast<char>(Op::kPull)) {
      reply.rebuild(its.size() * BareTable::kDim * sizeof(float));
      table_.pull(its, reply.data<float>());
    } else {
      receive(gradients);
      if (log_ >= 0) log_push(keys, gradients);
      table_.push_adagrad(its, values_of<float>(gradients));
    }
    router_.send(peer, zmq::send_flags::sndmore);
    router_.send(reply, zmq::send_flags::none);
  }
}

}  // namespace cairn
