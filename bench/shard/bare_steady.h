// A yardstick of the steady state: a durable shard with nothing around it. Adagrad on rows of a
// BareTable, whole push messages through a ring to a thread that writes them by direct I/O into a
// file that is used as a ring too, and once half of that is full a flush over the rows in the order
// of slots: dirty ones go, 64 MB at a time, to a thread that makes SST files of them. RocksDB
// compacts. No admission, eviction, checks, messages or recovery. Thread safety: one thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <span>
#include <thread>
#include <vector>

#include "bench/shard/bare_store.h"
#include "bench/shard/bare_table.h"
#include "ps/system/pages.h"

namespace cairn {

class BareSteady {
 public:
  BareSteady(const std::filesystem::path& folder, uint64_t rows, uint64_t log_bytes);
  ~BareSteady();

  // kBenchKeys keys. Waits where the log or its ring is full.
  void push(std::span<const Key> keys, const float* gradients);

 private:
  void write_log();
  void save_runs();
  void log_message(std::span<const Key> keys, const float* gradients);
  void flush_slice();
  bool hand_over();  // false: the saver is busy

  BareTable table_;
  BareStore store_;
  std::vector<uint32_t> order_;  // of rows, by (slot, key): what an index placed by slot gives

  const uint64_t log_messages_;  // that the file holds
  int log_ = -1;
  ps::Pages ring_;
  std::atomic<uint64_t> filled_ = 0, written_ = 0;  // messages
  uint64_t cut_ = 0;

  size_t cursor_;  // of order_; its size: no flush is under way
  uint64_t flush_base_ = 0;
  BareStore::Run run_, saving_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool busy_ = false;  // saving_ is the saver's
  std::atomic<bool> stop_ = false;
  std::jthread writer_, saver_;
};

}  // namespace cairn
