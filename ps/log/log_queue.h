// Passes work between the three threads of a FilePushLog. Records and cuts go from the shard's
// thread to the encoder. Chunks of the file go from the encoder to the writer; empty chunks come
// back.
//
// The encoder fills a chunk while the writer is busy. It hands the chunk over when the writer
// waits, or when the chunk is full. So records that gather during one write go out with the next.
// Thread safety: each call belongs to the thread that its section names.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "common/result.h"
#include "ps/log/push_log.h"
#include "ps/system/file_layer.h"
#include "ps/system/pages.h"

namespace cairn::ps {

// A stretch of one segment on its way to the disk, aligned for direct I/O.
struct LogChunk {
  explicit LogChunk(uint64_t capacity) : memory(capacity, true) {}

  const Pages memory;
  uint64_t bytes = 0;  // a multiple of kLogBlockBytes, once handed over
  std::shared_ptr<StorageFile> file;
  uint64_t offset = 0;
  Lsn last_lsn = 0;  // of the last record that ends in it; 0: none does
};

class LogQueue {
 public:
  LogQueue(size_t chunks, uint64_t chunk_bytes);

  // ---- the shard's thread
  void add(LogRecord record);
  void cut(Lsn replay_after);
  void close();  // what was added is still written

  // ---- the encoder
  struct Work {
    std::vector<LogRecord> records;
    std::optional<Lsn> cut;  // below what is acknowledged, so not of these records
    bool ended = false;      // closed, and there is no more
  };
  // Waits for work. Where a chunk is `open`, a waiting writer ends the wait too, with empty work.
  Work wait_for_work(bool open);
  LogChunk* wait_for_empty();  // null once the log has failed
  bool writer_waits();
  void hand_over(LogChunk* chunk);
  // Ends the handing over. `why` is the encoder's error, where it failed.
  void end(std::optional<Error> why);

  // ---- the writer
  LogChunk* wait_for_chunk();  // null once all are written
  void give_back(LogChunk* chunk);
  std::optional<Error> encoder_error();  // after the null
  void fail();                           // a write failed: whatever was or will be added is dropped

 private:
  std::mutex mutex_;  // of all below
  std::condition_variable encoder_wakes_, writer_wakes_;
  std::vector<LogRecord> gathered_;
  std::optional<Lsn> cut_;
  bool closing_ = false;
  bool failed_ = false;
  std::vector<std::unique_ptr<LogChunk>> chunks_;
  std::vector<LogChunk*> empty_;
  std::vector<LogChunk*> filled_;  // in order
  bool writer_waits_ = false;
  bool ended_ = false;
  std::optional<Error> error_;
};

}  // namespace cairn::ps
