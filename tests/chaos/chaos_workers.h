// Two workers of a job as one shard sees them, and what they know of it: which pushes it has
// acknowledged, and what its rows must be after each step. Single-threaded, over one DEALER a
// worker; knows nothing of the victim but its endpoint.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "common/random.h"
#include "tests/chaos/chaos_job.h"
#include "tests/ps/shard/reference_rows.h"

namespace cairn {

class ChaosWorkers {
 public:
  ChaosWorkers(uint64_t seed, std::string endpoint);

  // New connections to a shard that has just come up: resends what is not acknowledged, in order.
  void connect();
  void disconnect();

  // Pushes, pulls and asks for checkpoints in `checkpoints`, a folder, for this long. Empty: for
  // none.
  void load_for(std::chrono::milliseconds time, const std::filesystem::path& checkpoints);

  // Asks the shard for everything it holds, by a checkpoint in `folder`, and compares every row
  // with the reference, and the step it has applied with what it has acknowledged.
  void expect_nothing_lost(const std::filesystem::path& folder);

  // A shard may answer from now on that its disk has failed.
  void let_the_shard_fail() { may_fail_ = true; }

  uint64_t acknowledged_pushes() const;
  uint64_t resent() const { return resent_; }
  uint64_t applied_step() const { return reference_step_; }

 private:
  struct Worker {
    std::optional<zmq::socket_t> socket;
    uint64_t sent = 0, acknowledged = 0;  // sequences, which are the steps as well
  };

  std::map<uint32_t, ps::KeyValues> gradients(uint32_t worker, uint64_t step) const;
  Header header(Op op, uint32_t worker, uint64_t sequence, uint64_t step) const;
  void push(uint32_t worker, uint64_t step);
  void pull(uint32_t worker);
  void send(uint32_t worker, Message message);
  std::optional<Message> receive(uint32_t worker, std::chrono::milliseconds wait);
  void take_replies(std::chrono::milliseconds wait);
  void handle(uint32_t worker, const Message& reply);
  // Asks until the answer to that request comes.
  Message ask(Message request);
  void advance_reference(uint64_t step);

  const uint64_t seed_;
  const std::string endpoint_;
  RandomStream random_;
  zmq::context_t context_{1};
  // Sockets of the shard before. libzmq 4.3.4 ends the process (its issue 3442) where a socket is
  // closed half way through a message and its connection breaks then, so they close when it has
  // broken.
  std::vector<zmq::socket_t> closing_;
  std::vector<Worker> workers_;
  ps::ReferenceRows reference_;
  uint64_t reference_step_ = 0;
  // Workers wait for a checkpoint at its step, as a shard applies no more before it is written.
  static constexpr uint64_t kNotHeld = ~uint64_t{0};
  uint64_t held_at_ = kNotHeld;
  uint64_t applied_ = 0;  // a step that pulls have seen
  uint64_t requests_ = 0, checkpoints_ = 0;
  uint64_t resent_ = 0;
  bool may_fail_ = false;
};

}  // namespace cairn
