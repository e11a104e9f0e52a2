// A peer of a server, over a real socket. It sends messages in the order given and waits for
// answers.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>
#include <zmq.hpp>

#include "common/wire/message.h"

namespace cairn::ps {

class Client {
 public:
  static constexpr int kReplyMs = 20'000;

  Client(zmq::context_t& context, const Endpoint& endpoint)
      : socket_(context, zmq::socket_type::dealer) {
    socket_.set(zmq::sockopt::linger, 0);
    socket_.set(zmq::sockopt::rcvhwm, 1);  // what is not received stays with the server
    socket_.set(zmq::sockopt::rcvtimeo, kReplyMs);
    socket_.set(zmq::sockopt::sndtimeo, kReplyMs);
    socket_.connect(endpoint.address);
  }

  void send_parts(std::vector<zmq::message_t> parts) {
    for (size_t i = 0; i < parts.size(); ++i) {
      const auto more = i + 1 < parts.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
      ASSERT_TRUE(socket_.send(parts[i], more).has_value());
    }
  }
  void send(Message message) { send_parts(to_parts(std::move(message))); }

  std::vector<zmq::message_t> receive_parts() {
    std::vector<zmq::message_t> parts;
    bool more = true;
    while (more) {
      zmq::message_t part;
      if (!socket_.recv(part).has_value()) {
        ADD_FAILURE() << "no reply in time";
        return {};
      }
      more = part.more();
      parts.push_back(std::move(part));
    }
    return parts;
  }
  Message receive() {
    std::vector<zmq::message_t> parts = receive_parts();
    Result<Message> message = parse_message(parts);
    EXPECT_TRUE(message.ok()) << message.error().message;
    return message.ok() ? std::move(message).value() : Message{};
  }
  Message ask(Message message) {
    send(std::move(message));
    return receive();
  }

 private:
  zmq::socket_t socket_;
};

}  // namespace cairn::ps
