// The part of a shard that `ps.recovery: report` gave up, in the words that its server logs and in
// JSON that goes to `result.json`. Kept beside the shard's store, so that whoever asks a later
// process of it hears of every loss since the job began.
//
// Thread safety: plain values and functions that block.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/slots.h"
#include "ps/row/row.h"

namespace cairn::ps {

struct StorageLoss {
  std::string file;
  uint64_t offset = 0;  // in it, where the damage begins
  // Lost from the log: records, some or all of them acknowledged, none of which was replayed. 0, 0:
  // none.
  Lsn first_lsn = 0, last_lsn = 0;
  // From records that are whole, behind the damaged one: row gradients, bytes in the file, and
  // the names of the tables that they touch.
  uint64_t gradients = 0, bytes = 0;
  std::vector<std::string> tables;
  // Lost from the store: all rows of these slots are gone. Empty where the log is damaged.
  SlotRange slots = {0, 0};
  std::string why;  // names all of it, for people

  uint64_t records() const { return first_lsn == 0 ? 0 : last_lsn - first_lsn + 1; }
};

// A list of objects: "file", "offset", "first_lsn", "last_lsn", "records", "gradients", "bytes",
// "tables", "first_slot", "end_slot", "why".
std::string to_json(const std::vector<StorageLoss>& losses);

// Those noted in a shard's folder; none if there is no note. Errors: kCorrupt, kUnavailable.
Result<std::vector<StorageLoss>> noted_losses(const std::filesystem::path& folder);

// Notes them beside those noted before; one that is there already (its process died before it had
// gone on behind it) stays one. Durable when it returns Ok. Errors: as noted_losses.
Status note_losses(const std::filesystem::path& folder, const std::vector<StorageLoss>& losses);

}  // namespace cairn::ps
