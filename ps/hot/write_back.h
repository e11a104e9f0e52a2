// The flush that writes dirty rows to the cold store: slot by slot, as flush files of about 64 MB.
// It copies rows one slice at a time between a shard's messages. The store writes one flush file
// while the shard goes on and the next file is copied.
//
// A flush visits every row that is dirty when the flush begins. It takes a row only once the log
// has acknowledged the row's last change: the store is never ahead of the log. A row that must wait
// makes the flush wait. Thread safety: none; a shard's thread owns it.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "ps/hot/hot_tier.h"
#include "ps/policy/key_filter.h"
#include "ps/store/cold_store.h"

namespace cairn::ps {

class WriteBack {
 public:
  // A table's admission filter. Flushes save it with the table's rows.
  struct Filter {
    uint32_t table;
    KeyFilter* counters;
  };

  // `save` hands a flush file to the store and leads to flush_file_saved().
  WriteBack(SlotRange slots, HotTier& tier, std::function<void(FlushFile)> save,
            std::vector<Filter> filters = {});

  bool saves_filters() const { return !filters_.empty(); }

  bool active() const { return active_; }
  // The part of the slots that the flush has copied, from 0 to 1.
  double progress() const {
    return static_cast<double>(slot_ - slots_.first) /
           static_cast<double>(slots_.last - slots_.first);
  }
  // Begins a flush; only when none is active. Filters are saved as they stand now, with version
  // `replay_after`.
  void begin(Lsn replay_after);

  // Does one slice of work. True: there is more to do at once. False: an acknowledgement or
  // flush_file_saved() has to come first, or the flush has ended (active() tells). Without
  // `may_copy` a call only finishes what was copied.
  bool work(Lsn acknowledged, bool may_copy = true);
  void flush_file_saved();

  uint64_t rows_saved() const { return rows_saved_; }

 private:
  struct Copied {
    uint32_t table, number;
    Lsn lsn;
  };

  bool copy_slice(Lsn acknowledged);
  bool copy_slot(Lsn acknowledged);
  bool find_dirty(uint32_t table, Lsn acknowledged);
  void copy_row(uint32_t table, uint32_t number);
  void reserve_run();
  void send_run();
  void clean_slice();
  void copy_filters();
  bool has_run() const { return !copied_.empty() || !run_.filters.empty(); }
  bool run_is_full() const;

  const SlotRange slots_;
  HotTier& tier_;
  const std::function<void(FlushFile)> save_;
  const std::vector<Filter> filters_;
  bool active_ = false;
  bool run_under_way_ = false;  // with the store
  uint32_t slot_ = 0;           // the next to copy
  Lsn replay_after_ = 0;
  FlushFile run_;
  uint64_t run_bytes_ = 0;
  // The rows of three flush files: being copied, with the store, and saved but not yet marked
  // clean. Dirty rows stay where they are, so numbers stay good.
  std::vector<Copied> copied_, saving_, saved_;
  size_t cleaned_ = 0;                                        // of saved_
  std::vector<std::vector<std::pair<Key, uint32_t>>> dirty_;  // key, number; of one slot, by table
  std::vector<uint32_t> numbers_;
  uint64_t looked_at_ = 0;
  uint64_t rows_saved_ = 0;
};

}  // namespace cairn::ps
