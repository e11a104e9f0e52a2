// A yardstick: the least parameter server there can be over ZeroMQ. A ROUTER, a BareTable and, if
// asked for, whole push messages written by direct I/O to a preallocated file that is used as a
// ring, with fdatasync, before the rows are updated: nothing overlaps. Thread safety: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "bench/shard/bare_table.h"
#include "ps/system/pages.h"

namespace cairn {

class BareServer {
 public:
  // Rows of bench_key(0) to bench_key(rows - 1). `log`: empty: none.
  BareServer(uint64_t rows, const std::filesystem::path& log);

  const std::string& endpoint() const { return endpoint_; }
  [[noreturn]] void run();

 private:
  void log_push(const zmq::message_t& keys, const zmq::message_t& gradients);

  BareTable table_;
  zmq::context_t context_{1};
  zmq::socket_t router_{context_, zmq::socket_type::router};
  std::string endpoint_;
  int log_ = -1;
  ps::Pages aligned_;
  uint64_t log_end_ = 0;
};

}  // namespace cairn
