// The part of a shard that `ps.recovery: report` gave up. The server logs it in words;
// `result.json` has it as JSON. A note beside the shard's store keeps it, so that later processes
// tell of every loss since the job began.
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
  // The records lost from the log. Some or all of them were acknowledged; none was replayed. 0, 0:
  // none.
  Lsn first_lsn = 0, last_lsn = 0;
  // The whole records behind the damaged one: row gradients, bytes in the file, and the names of
  // the tables that they touch.
  uint64_t gradients = 0, bytes = 0;
  std::vector<std::string> tables;
  // The slots lost from the store: all their rows are gone. Empty where the log is damaged.
  SlotRange slots = {0, 0};
  std::string why;  // names all of it, for people

  uint64_t records() const { return first_lsn == 0 ? 0 : last_lsn - first_lsn + 1; }
};

// A list of objects: "file", "offset", "first_lsn", "last_lsn", "records", "gradients", "bytes",
// "tables", "first_slot", "end_slot", "why".
std::string to_json(const std::vector<StorageLoss>& losses);

// The losses noted in a shard's folder; none if there is no note. Errors: kCorrupt, kUnavailable.
Result<std::vector<StorageLoss>> noted_losses(const std::filesystem::path& folder);

// Notes losses beside those noted before. A loss that is noted already is not noted twice: its
// process died before it had gone on. The note is durable when this returns Ok. Errors: those of
// noted_losses.
Status note_losses(const std::filesystem::path& folder, const std::vector<StorageLoss>& losses);

}  // namespace cairn::ps
