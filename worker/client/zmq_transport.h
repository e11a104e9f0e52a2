// The transport of a job: a DEALER per shard, watched for lost connections.
#pragma once

#include <memory>
#include <span>
#include <vector>
#include <zmq.hpp>

#include "common/net/endpoint.h"
#include "worker/client/transport.h"

namespace cairn::client {

class ZmqTransport final : public Transport {
 public:
  // `context` outlives the transport. Errors: as connect_dealer; they name the shard.
  static Result<std::unique_ptr<ZmqTransport>> connect(std::span<const Endpoint> endpoints,
                                                       zmq::context_t& context);

  uint32_t shards() const override { return static_cast<uint32_t>(links_.size()); }
  const std::string& endpoint(uint32_t shard) const override {
    return links_[shard].endpoint.address;
  }
  Status send(uint32_t shard, Message message) override;
  Result<std::optional<Message>> receive(uint32_t shard) override;
  Result<bool> wait(std::chrono::milliseconds time) override;
  bool lost_connection(uint32_t shard) override;
  Clock::time_point now() const override { return Clock::now(); }

 private:
  struct Link {
    Endpoint endpoint;
    zmq::socket_t socket;
    zmq::socket_t monitor;  // tells of lost connections
  };

  ZmqTransport() = default;

  std::vector<Link> links_;
  std::vector<zmq::pollitem_t> poll_items_;
};

}  // namespace cairn::client
