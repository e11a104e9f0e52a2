// Salvages a damaged store for `ps.recovery: report`: makes a new store of what can still be read.
// A slot with a damaged block is given up whole. Otherwise an older version of a row, from another
// file, would come to life again. A missing file, or one with a damaged index, costs all slots from
// its first row's to its last row's. Thread safety: none; calls block.
#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "common/config/table_config.h"
#include "common/result.h"
#include "common/slots.h"
#include "ps/row/row.h"
#include "ps/store/storage_loss.h"

namespace cairn::ps {

// `folder` is the shard's; no process has its store open. Filters of `filters_version` are kept.
// The losses are noted in the folder (ps/store/storage_loss.h) before store/ is exchanged. The
// damaged store stays as store-damaged/, in the place of that of an earlier salvage. After a crash
// on the way, finish_salvage goes on. Errors: kCorrupt where the store's list of files or small
// state cannot be read; kUnavailable. The store is then as it was.
Result<std::vector<StorageLoss>> salvage_store(const std::filesystem::path& folder,
                                               const std::vector<TableConfig>& tables,
                                               SlotRange slots, Lsn filters_version);

// Ends a salvage that a crash cut off between its two renames. Call it before anything looks for
// the store in a shard's folder. Errors: kUnavailable.
Status finish_salvage(const std::filesystem::path& folder);

// Notes in the store that a read has met damage, as the store may still open. The note is durable
// when this returns Ok. A salvage leaves the note behind. Errors: kUnavailable.
Status mark_damaged(const std::filesystem::path& store, std::string_view why);
bool is_marked_damaged(const std::filesystem::path& store);

}  // namespace cairn::ps
