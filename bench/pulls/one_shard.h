// Shared by benchmarks of pulls: a server with one shard and one table in a process of its own,
// over tcp loopback, and ids of Zipf's distribution.
#pragma once

#include <fmt/format.h>
#include <sys/types.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <string>
#include <vector>

#include "common/check.h"
#include "common/hash.h"
#include "common/result.h"
#include "worker/client/ps_client.h"

namespace cairn {

inline constexpr uint32_t kDim = 16;
inline constexpr size_t kIds = 26, kRowsOfBatch = 2048;
inline constexpr double kExponent = 1.05;

// Made while this process has one thread.
class ServerProcess {
 public:
  explicit ServerProcess(uint32_t workers);
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;

  // For the client of worker `worker`.
  client::PsClientOptions client_options(uint32_t worker) const;

 private:
  [[noreturn]] void serve(uint32_t workers, int output) const;

  const std::filesystem::path folder_;
  pid_t pid_ = -1;
  std::string endpoint_;
};

// The key of value `value` of the id `id`, which has `cardinality` values.
inline Key key_of(size_t id, uint64_t cardinality, uint64_t value) {
  return hash_key(id * cardinality + value);
}

template <typename T>
T must(Result<T> result) {
  if (!result.ok()) fmt::print(stderr, "{}\n", result.error().message);
  check(result.ok(), "the shard answers");
  return std::move(result).value();
}

// Median (lowest to highest).
std::string spread(std::vector<double> values, int digits);

// --rounds N of the command line, or `rounds`; 0 where nothing is to be measured. Ends the process
// where it is none of these.
size_t rounds_wanted(int argc, char** argv, size_t rounds);

}  // namespace cairn
