// Servers of the benchmarks, each in a process of its own, as the ones of a job are: this program
// again, run as `shard_bench --serve KIND DURABILITY ROWS LOG_BYTES FOLDER`. Two kinds: `shard`, a
// Server (ps/server/server.h) with one shard, which the client fills; and `bare`, a prototype that
// only joins ZeroMQ, a BareTable and a file of whole push messages: no checks, steps, retries or
// metrics.
//
// What a bare server is sent: a part of one byte (Op), keys, and for a push gradients; it answers
// with rows or an empty part.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace cairn {

struct ServedOptions {
  std::string kind;                       // shard, bare
  std::string durability = "checkpoint";  // of a bare one: checkpoint is none, else machine's
  uint64_t rows = 0;                      // that a bare one has from the start
  // For each shard; by default never half full, so that nothing is written back beside what is
  // measured.
  uint64_t log_bytes_max = uint64_t{64} << 30;
  std::filesystem::path folder;  // on the disk to be measured; removed with the process
};

class ServedProcess {
 public:
  // Returns once it listens on loopback. What fails ends the program.
  explicit ServedProcess(const ServedOptions& options);
  ~ServedProcess();
  ServedProcess(const ServedProcess&) = delete;

  const std::string& endpoint() const { return endpoint_; }
  double cpu_seconds() const;  // that the process has used

 private:
  const std::filesystem::path folder_;
  int pid_ = -1;
  int output_ = -1;
  std::string endpoint_;
};

// The other side of it: what `--serve` is followed by. Ends when the parent does.
[[noreturn]] void serve(const std::vector<std::string>& arguments);

}  // namespace cairn
