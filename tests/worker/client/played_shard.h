// A shard that a test plays: a thread with a ROUTER that answers by a script.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "worker/client/ps_client.h"

namespace cairn::client {

constexpr uint64_t kIncarnation = 77;

// Answers each message by those that `script` returns for it.
class PlayedShard {
 public:
  using Script = std::function<std::vector<Message>(const Message&)>;

  PlayedShard(zmq::context_t& context, const std::string& name, Script script)
      : endpoint_("inproc://" + name),
        socket_(context, zmq::socket_type::router),
        script_(std::move(script)) {
    socket_.bind(endpoint_);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  const std::string& endpoint() const { return endpoint_; }

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      std::vector<zmq::pollitem_t> items = {{socket_.handle(), 0, ZMQ_POLLIN, 0}};
      if (zmq::poll(items, std::chrono::milliseconds(10)) == 0) continue;
      std::vector<zmq::message_t> parts;
      do {
        zmq::message_t part;
        if (!socket_.recv(part)) return;
        parts.push_back(std::move(part));
      } while (parts.back().more());
      zmq::message_t peer = std::move(parts.front());
      parts.erase(parts.begin());
      Result<Message> message = parse_message(parts);
      if (!message.ok()) continue;
      for (Message& reply : script_(message.value())) {
        zmq::message_t to(peer.data(), peer.size());
        socket_.send(to, zmq::send_flags::sndmore);
        std::vector<zmq::message_t> out = to_parts(std::move(reply));
        for (size_t i = 0; i < out.size(); ++i)
          socket_.send(out[i],
                       i + 1 < out.size() ? zmq::send_flags::sndmore : zmq::send_flags::none);
      }
    }
  }

  const std::string endpoint_;
  zmq::socket_t socket_;
  const Script script_;
  std::jthread thread_;  // last: it stops before what it uses
};

inline Message reply_to(const Message& request, uint64_t server_run = 1) {
  Message reply = text_reply(request.header, StatusCode::kOk, "");
  reply.header.server_run = server_run;
  return reply;
}

// A row's weights are its key, in all of `dim` floats.
inline Message rows_for(const Message& pull) {
  Message reply = reply_to(pull);
  reply.directory = pull.directory;
  reply.header.tables = pull.header.tables;
  std::vector<float> values;
  size_t at = 0;
  for (const TableEntry& entry : pull.directory)
    for (uint32_t i = 0; i < entry.count; ++i, ++at)
      values.insert(values.end(), entry.dim, static_cast<float>(pull.key(at)));
  reply.values = zmq::message_t(values.data(), values.size() * sizeof(float));
  return reply;
}

class PsClientTest : public testing::Test {
 protected:
  std::unique_ptr<PsClient> connect(const std::vector<Endpoint>& endpoints) {
    options.endpoints = endpoints;
    options.slots = {1, static_cast<uint32_t>(endpoints.size())};
    options.incarnation = kIncarnation;
    options.table_dims = {2, 3};
    return PsClient::connect(options, context, metrics.worker(0, {})).value();
  }
  // Pulls one key of the first table.
  Status pull_one(PsClient& client, uint64_t step = 1) {
    const auto id = client.start_pull(step, keys, 0);
    if (!id.ok()) return id.error();
    const auto pulled = client.finish_pull(id.value(), rows);
    return pulled.ok() ? Status(Ok{}) : Status(pulled.error());
  }

  zmq::context_t context;
  Metrics metrics{"test"};
  PsClientOptions options;
  std::vector<std::vector<Key>> keys = {{5}, {}};
  std::vector<std::vector<float>> rows{2};
};

}  // namespace cairn::client
