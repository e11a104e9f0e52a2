// The servers: `ps` of a job file.
// Plain values with every default filled in; common/config/job_file.h reads and checks them. This
// header needs no library.
#pragma once

#include <cstdint>
#include <string>

#include "common/value_type.h"

namespace cairn {

// The failures that an acknowledged push survives: the death of its server, that of the host too,
// or nothing.
enum class Durability : uint8_t { kProcess, kMachine, kCheckpoint };
// The choice of a server whose log lacks acknowledged pushes: refuse to start, or open what is
// intact and report the rest.
enum class Recovery : uint8_t { kStrict, kReport };

struct PsConfig {
  uint32_t servers = 1;
  uint32_t shards_per_server = 1;
  uint64_t hot_bytes = 0;  // of one shard; 0: auto, a quarter of memory over the shards of a host
  uint64_t log_bytes_max = uint64_t{3} << 29;  // of one shard; 22 M rows of dim 16
  Durability durability = Durability::kProcess;
  Recovery recovery = Recovery::kStrict;
  std::string state;                  // live stores; default <output>/state
  std::string transport = "auto";     // auto, tcp, ipc: auto is ipc where all ranks share a host
  std::string address = "127.0.0.1";  // tcp endpoints bind to it
  bool allow_insecure = false;  // endpoints off loopback are neither encrypted nor authenticated
  ValueType wire = ValueType::kFloat32;  // type of weights pulled and gradients pushed
  uint32_t timeout_s = 120;
  uint32_t max_respawns = 3;  // of each server process within a run
  uint32_t read_threads = 2;  // of one shard, for rows that are not in memory
  // Steps in which removal examines every slot once, for rows that expire or exceed a cap.
  uint32_t removal_period = 16'384;
  friend bool operator==(const PsConfig&, const PsConfig&) = default;
};

}  // namespace cairn
