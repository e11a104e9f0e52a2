// A shard in this process: no sockets, no client; messages go straight in, on the caller's thread,
// which plays the shard's. Log and store are the real ones, with their threads. Failures end the
// program: nothing measured with them would mean anything. Thread safety: none.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/shard/watched_store.h"
#include "common/config/ps_config.h"
#include "common/metrics/metrics.h"
#include "ps/shard/shard.h"
#include "ps/store/rocks_store.h"
#include "ps/system/completion_queue.h"

namespace cairn {

struct DriverOptions {
  uint32_t shard = 0, shards = 1;
  std::optional<Durability> durability;  // none: as kCheckpoint
  std::filesystem::path folder;          // of log and store; empty: the store is in memory
  uint64_t hot_bytes = uint64_t{64} << 30;
  uint64_t log_bytes_max = uint64_t{64} << 30;
  uint32_t read_threads = 2;
  uint32_t workers = 1;
  uint64_t rows_stored = 0;  // of bench_key(0) and on, that are in the store from the start
  WatchedStore::OnRead on_read = {};
  // Told of every answer to a pull or push, and how long it took.
  std::function<void(const Header&, double seconds)> answered = {};
};

class ShardDriver final : public ps::Outbox {
 public:
  explicit ShardDriver(DriverOptions options);
  ~ShardDriver() override;

  // Keys ascend; keys and gradients are not copied and stay until the answer.
  // Of the worker's next step.
  void push(std::span<const Key> keys, const float* gradients, uint32_t worker = 0);
  // For the next step or one that many steps later, as a training pull.
  void pull(std::span<const Key> keys, uint32_t flags = 0, uint64_t steps_ahead = 0);
  // Takes completions and does a slice of what stands behind messages; waits for one if there is
  // nothing.
  void turn(bool wait);

  uint32_t workers() const { return options_.workers; }
  uint64_t pushes_open() const { return pushes_open_; }
  uint64_t pulls_open() const { return pulls_open_; }
  // For the last step, or one to come: every dirty row goes to the store, and its files are linked
  // into `folder`.
  void start_checkpoint(const std::filesystem::path& folder, uint64_t steps_ahead = 0);
  bool checkpoint_open() const { return checkpoint_open_; }
  // Waits until so few pushes are unanswered, and no pull.
  void wait_until_open(uint64_t pushes);

  const Message& last_pulled() const { return last_pulled_; }
  std::string stats();
  uint64_t compacted_bytes() const { return rocks_ == nullptr ? 0 : rocks_->compacted_bytes(); }
  ShardMetrics& metrics() { return metrics_.server().shard(options_.shard); }

  void send(const ps::Peer& peer, Message message, ps::Arrival asked) override;

 private:
  void give(Message message);

  const DriverOptions options_;
  Metrics metrics_{"bench"};
  ps::CompletionQueue completions_;
  ps::RocksStore* rocks_ = nullptr;  // store_'s
  std::unique_ptr<ps::ColdStore> store_;
  std::unique_ptr<ps::PushLog> log_;
  std::unique_ptr<ps::Shard> shard_;
  std::vector<uint64_t> steps_;  // that each worker has pushed; also its sequence numbers
  uint64_t request_ = 0;
  uint64_t pushes_open_ = 0, pulls_open_ = 0;
  bool more_work_ = false, checkpoint_open_ = false;
  Message last_pulled_;
  std::string last_text_;
};

// The shape of every row here.
inline constexpr uint32_t kBenchDim = 16;
inline constexpr size_t kBenchKeys = 16'384;  // a message
std::vector<TableConfig> bench_tables();

// A part of a message that shares memory with the caller, who keeps it until the answer.
zmq::message_t borrowed(const void* data, size_t bytes);

// Messages of unique, ascending keys drawn uniformly from keys 0..rows, of those the ones in
// `slots`, and one gradient for all.
class MessagePool {
 public:
  MessagePool(uint64_t rows, size_t messages, uint64_t seed, SlotRange slots = {});
  std::span<const Key> keys(size_t message) const {
    return {keys_.data() + message % messages_ * kBenchKeys, kBenchKeys};
  }
  const float* gradients() const { return gradients_.data(); }
  size_t messages() const { return messages_; }

 private:
  const size_t messages_;
  std::vector<Key> keys_;
  std::vector<float> gradients_;
};

// Key number i of the bench; distinct for distinct i.
inline Key bench_key(uint64_t i) { return hash_key(i ^ 0x62656e6368ull); }

// Pushes once to each of keys 0..rows that are in `slots`, so that all have rows.
void fill(ShardDriver& shard, uint64_t rows, SlotRange slots = {});

}  // namespace cairn
