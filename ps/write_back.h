// The sweep that writes dirty rows to the cold store: slot by slot, as sorted runs of about 64 MB.
// It copies rows a slice at a time between a shard's messages; the store writes a run while the
// shard goes on.
//
// It visits every row that is dirty when it begins, and takes a row only once the log has
// acknowledged the row's last change: the store is never ahead of the log. A row that must wait
// makes the sweep wait. Thread safety: none; a shard's thread owns it.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "ps/cold_store.h"
#include "ps/hot_tier.h"

namespace cairn {

class WriteBack {
 public:
  // `save` hands a run to the store and leads to run_saved().
  WriteBack(SlotRange slots, HotTier& tier, std::function<void(SortedRun)> save);

  bool active() const { return phase_ != Phase::kIdle; }
  void begin();  // only when not active

  // Does one slice of work; true if there is more to do at once (else an acknowledgement or
  // run_saved() has to come first, or the sweep has ended: active() tells).
  bool work(Lsn acknowledged);
  void run_saved();

  uint64_t rows_saved() const { return rows_saved_; }

 private:
  enum class Phase : uint8_t { kIdle, kCopying, kSaving, kCleaning };
  struct Copied {
    uint32_t table, number;
    Lsn lsn;
  };

  bool copy_slot(Lsn acknowledged);
  void copy_row(uint32_t table, uint32_t number);
  void send_run();
  void clean_slice();

  const SlotRange slots_;
  HotTier& tier_;
  const std::function<void(SortedRun)> save_;
  Phase phase_ = Phase::kIdle;
  uint32_t slot_ = 0;  // the next to copy
  SortedRun run_;
  uint64_t run_bytes_ = 0;
  std::vector<Copied>
      copied_;          // rows of the run; dirty rows stay where they are, so numbers stay good
  size_t cleaned_ = 0;  // of them
  std::vector<std::vector<uint32_t>> dirty_;  // of one slot, by table
  uint64_t looked_at_ = 0;
  uint64_t rows_saved_ = 0;
};

}  // namespace cairn
