// The store of rows that are not in memory. It is an interface, as the shard is a state machine.
// Calls return at once; completions come later through the callback given, from any thread. The
// shard has at most one flush file and one checkpoint under way, and any number of reads and scans.
//
// Versions: RocksColdStore (ps/store/rocks_cold_store.h: RocksStore behind a writer thread and
// readers) and MemoryColdStore (ps/store/memory_cold_store.h, for tests). One contract test runs
// over both: tests/ps/store/cold_store_contract_test.cpp.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "common/result.h"
#include "ps/row/row.h"

namespace cairn::ps {

// The counters of one slot of a table's admission filter (ps/policy/key_filter.h).
struct SlotFilter {
  uint32_t table = 0, slot = 0;
  std::string counters;
  friend bool operator==(const SlotFilter&, const SlotFilter&) = default;
};

// The rows of one flush file ascend by (slot, table, key), each once. A row of count 0 is a
// deletion.
struct FlushFile {
  RowBatch rows;
  Lsn highest_lsn = 0;
  // The filters as they stood when the log was at `filters_version`. Filters of older versions stay
  // beside them.
  std::vector<SlotFilter> filters = {};
  Lsn filters_version = 0;
};

// The files of a shard's part of a checkpoint: paths relative to its folder.
struct ShardFiles {
  struct File {
    std::string name;
    uint64_t bytes = 0;
  };
  std::vector<File> files;
};

class ColdStore {
 public:
  virtual ~ColdStore() = default;

  // Keys ascend. The result holds the stored rows, in the same order; absent ones are left out.
  virtual void read(std::vector<RowKey> keys, std::function<void(Result<RowBatch>)> done) = 0;

  // Gives all rows of `slots`, of all tables, in order. `slots` ascend. Each slot is as it was at
  // some moment between the call and `done`.
  virtual void scan(std::vector<uint32_t> slots, std::function<void(Result<RowBatch>)> done) = 0;

  // Saves all rows or none. When `done` is called with Ok, the rows are durable and every later
  // read sees them.
  virtual void save_flush_file(FlushFile run, std::function<void(Status)> done) = 0;

  // Forgets filters of versions below `below`.
  virtual void drop_filters(Lsn below, std::function<void(Status)> done) = 0;

  // Puts everything saved so far into a folder, by hard links where the file system allows, and
  // syncs it. The folder is new, or holds another checkpoint, which the new one replaces.
  virtual void checkpoint(const std::filesystem::path& folder,
                          std::function<void(Result<ShardFiles>)> done) = 0;

  // Whether any row is stored at all; false spares the reads of a new store.
  virtual bool empty() const = 0;

  // The number of files of level 0 that wait for compaction; the flush slows as this number grows.
  virtual uint32_t backlog() const = 0;
};

}  // namespace cairn::ps
