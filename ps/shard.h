// The owner of some slots, as a state machine: no thread, clock, socket or file. Messages and
// completions go in; replies, log records, reads and runs go out through the interfaces given,
// which complete later. ShardLoop (ps/shard_loop.h) drives a real one; tests drive a cluster of
// them from a seed.
//
// Consistency (sync): a push is its own log record and is acknowledged once logged. When the last
// worker's push of step t has come, the shard sums in worker order, applies once and stamps the
// rows with the lsn of that record. A pull of step t is parked until t-1 is applied and its commit
// is logged. Thread safety: none; one thread calls everything.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/config/job.h"
#include "common/slots.h"
#include "common/wire/message.h"
#include "ps/cold_store.h"
#include "ps/push_log.h"

namespace cairn {

using Peer = std::string;  // ZeroMQ's routing id of who sent a message

class Outbox {
 public:
  virtual ~Outbox() = default;
  virtual void send(const Peer& peer, Message message) = 0;
};

struct ShardOptions {
  uint32_t shard = 0;
  SlotMap slots;
  uint64_t incarnation = 0;
  uint64_t boot = 0;
  uint32_t workers = 1;
  uint64_t seed = 0;          // of the job: initial values
  uint64_t applied_step = 0;  // of the checkpoint that the store was made from
  Lsn next_lsn = 1;           // above every lsn in the store
  uint64_t hot_bytes = 0;
  uint64_t log_bytes_max = 0;
  std::vector<TableConfig> tables;
};

}  // namespace cairn
