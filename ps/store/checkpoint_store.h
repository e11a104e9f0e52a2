// Stands between checkpoints and stores. It makes a shard's live store from a checkpoint, written
// by any number of shards, and reads a checkpoint's rows. A checkpoint's folder is only read.
// Thread safety: functions that block; many may read one checkpoint at once.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "common/checkpoint/manifest.h"
#include "common/config/table_config.h"
#include "common/result.h"
#include "common/slots.h"
#include "ps/row/row_digest.h"
#include "ps/store/rocks_store.h"

namespace cairn::ps {

struct CheckpointSource {
  std::filesystem::path folder;
  CheckpointManifest manifest;  // as read_manifest gave it
};

struct MadeStore {
  std::unique_ptr<RocksStore> store;
  Lsn next_lsn = 1;           // above every lsn in the store
  uint64_t applied_step = 0;  // of the checkpoint
  // Admission filters of the checkpoint, which the store holds as of the lsn before `next_lsn`.
  std::vector<SlotFilter> filters;
};

// Makes a store of `slots` in `folder`, which must be missing or empty. On an error the folder is
// removed again. Where one shard of the checkpoint had the same slots, its files are linked
// (copied, on another file system). Otherwise the rows are read from all shards that had some of
// the slots, and ingested. Errors: kInvalidArgument if the folder holds something, kNotFound and
// kCorrupt, naming the file, where the checkpoint lacks a file, slots, or holds other tables than
// `tables`; kUnavailable where the disk refuses.
Result<MadeStore> make_store(const std::filesystem::path& folder,
                             const std::vector<TableConfig>& tables, SlotRange slots,
                             const std::optional<CheckpointSource>& source);

// Every row of a checkpoint, in the order of slots, tables and keys. Errors: those of make_store,
// or the error that `row` returned, which ends the reading.
Status for_each_row(const CheckpointSource& source,
                    const std::function<Status(const StoredRow&)>& row);

// The row of `key`: one entry, or none where the checkpoint has no such row. Reads the one shard
// that had its slot. Errors: as for_each_row.
Result<RowBatch> find_row(const CheckpointSource& source, const RowKey& key);

// One digest per table, in the order of the manifest. Errors: as for_each_row.
Result<std::vector<RowDigest>> digest(const CheckpointSource& source);

}  // namespace cairn::ps
