// Salvages a damaged store for `ps.recovery: report`: makes one of what can still be
// read. A slot of which a block is damaged is given up whole, as an older version of a row, from
// another file, would else come to life again; of a file whose index is damaged, or that is
// missing, all slots from its first row's to its last one's. Thread safety: none; it blocks.
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

// `folder` is the shard's; its store is not open, by any process. Filters of `filters_version` are
// kept. What is lost is noted there (ps/store/storage_loss.h) before store/ is exchanged; the
// damaged one stays as store-damaged/, in the place of that of an earlier salvage. A crash on the
// way leaves what finish_salvage goes on from.
// Errors: kCorrupt where its list of files or its small state cannot be read; kUnavailable. The
// store is then as it was.
Result<std::vector<StorageLoss>> salvage_store(const std::filesystem::path& folder,
                                               const std::vector<TableConfig>& tables,
                                               SlotRange slots, Lsn filters_version);

// Before anything looks for the store in a shard's folder: ends a salvage that a crash cut off
// between its two renames. Errors: kUnavailable.
Status finish_salvage(const std::filesystem::path& folder);

// A note in the store, durable when it returns Ok, that a read of it has met damage: it may still
// open. A salvage leaves it behind. Errors: kUnavailable.
Status mark_damaged(const std::filesystem::path& store, std::string_view why);
bool is_marked_damaged(const std::filesystem::path& store);

}  // namespace cairn::ps
