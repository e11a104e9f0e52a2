// Opens the folder of a shard whose process died: its store, its log, and the shard that both make
// up together. Thread safety: none; it blocks.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "common/config/ps_config.h"
#include "ps/log/log_reader.h"
#include "ps/recovery/recovery.h"
#include "ps/store/rocks_store.h"
#include "ps/store/storage_loss.h"

namespace cairn::ps {

// The work of a recovery and its losses, of one shard or of several together.
struct RecoveryReport {
  double seconds = 0;  // of the slowest
  uint64_t logged_rows = 0, unique_keys = 0;
  std::vector<StorageLoss> lost;  // none in `strict`

  void add(const RecoveryReport& other);
};

struct ReopenedShard {
  std::unique_ptr<RocksStore> store;
  RecoveredShard shard;
  LogEnd log_end;    // for the log to go on behind
  Lsn next_lsn = 1;  // above every one given before
  RecoveryReport report;
  std::vector<StorageLoss> losses;  // of this recovery and of those before
};

// `folder` holds store/ and log/. In `report` a damaged store is salvaged
// (ps/store/store_salvage.h) before the log is replayed. Workers, seed, tables, slots and hot_bytes
// of `options` are set. Errors:
// - kNotFound where there is no store.
// - kCorrupt, naming the file, for damage, for a log without a replay start, or for a log that the
// store is ahead of. In `report`: only for damage that leaves nothing to go on from.
// - kOutdated where the log no longer counts.
// - kUnavailable where the disk refuses or another process has the store open.
Result<ReopenedShard> reopen_shard(const std::filesystem::path& folder, const PsConfig& ps,
                                   RecoveryOptions options);

}  // namespace cairn::ps
