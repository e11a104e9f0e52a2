// Clients of the benchmarks, which keep several requests under way: one speaks the wire protocol
// to a shard as a worker of a job would, the other the little that a BareServer understands. Keys
// and gradients are not copied and stay until the answer; rows that come are read, once.
// Failures end the program. Thread safety: none.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <zmq.hpp>

#include "common/hash.h"
#include "common/wire/message.h"

namespace cairn {

class BenchClient {
 public:
  virtual ~BenchClient() = default;

  virtual void pull(std::span<const Key> keys) = 0;
  virtual void push(std::span<const Key> keys, const float* gradients) = 0;
  // Waits for the answer to one of them.
  virtual void receive() = 0;
};

class WireClient final : public BenchClient {
 public:
  WireClient(zmq::context_t& context, const std::string& endpoint);

  // For the next step, as training does: near its bound the shard pins the rows. An empty push,
  // whose answer `receive` passes over, ends the step after every kPullsPerStep.
  void pull(std::span<const Key> keys) override;
  void push(std::span<const Key> keys, const float* gradients) override;  // one per step
  void receive() override;

 private:
  static constexpr uint64_t kPullsPerStep = 8;

  void send(Message message);
  Message next_reply();

  zmq::socket_t dealer_;
  uint64_t step_ = 0, sequence_ = 0, request_ = 0;
  uint64_t closing_pushes_ = 0;  // not answered yet
};

class BareClient final : public BenchClient {
 public:
  BareClient(zmq::context_t& context, const std::string& endpoint);

  void pull(std::span<const Key> keys) override;
  void push(std::span<const Key> keys, const float* gradients) override;
  void receive() override;

 private:
  zmq::socket_t dealer_;
};

// Pushes once to each of bench_key(0) to bench_key(rows - 1).
void fill(BenchClient& client, uint64_t rows);

}  // namespace cairn
