// Facts about the host that the launcher runs on.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "common/config/ps_config.h"
#include "common/result.h"

namespace cairn::launcher {

std::string host_name();

// Equal for two processes exactly where they run under the same kernel and host name.
std::string host_identity();

// Memory that this process may use: the host's, or less where a cgroup (a container, a Slurm job)
// says so.
uint64_t usable_memory_bytes();

// ps.hot_bytes, or where that is `auto` a quarter of the usable memory over the shards of this
// host.
uint64_t hot_bytes_of_a_shard(const PsConfig& ps, uint32_t shards_on_this_host);

// 64 bits from the kernel's generator: an incarnation.
uint64_t random_bits();

// Where the shards' ipc sockets of an incarnation stand: short, as a socket's path is at most 107
// bytes.
std::filesystem::path socket_folder(uint64_t incarnation);

// Makes it, for this user alone, and holds a lock in it as long as this process lives. Errors:
// kUnavailable.
Status make_socket_folder(uint64_t incarnation);

// Removes this user's socket folders that no process holds any more: of jobs that were killed.
void remove_dead_socket_folders();

}  // namespace cairn::launcher
