// A RocksStore as recovery uses it. Several threads read many sorted keys, each thread one
// neighbourhood of slots at a time. Where most rows of a slot are not wanted, the keys are looked
// up. Otherwise the slot is scanned, which reads its blocks one after the other.
#pragma once

#include <cstdint>

#include "ps/recovery/recovery.h"
#include "ps/store/rocks_store.h"

namespace cairn::ps {

class RocksRecoveryStore final : public RecoveryStore {
 public:
  // The store holds `slots`. `threads` threads read, at least one.
  RocksRecoveryStore(RocksStore& store, SlotRange slots, uint32_t threads)
      : store_(store), slots_(slots), threads_(threads) {}

  Lsn highest_lsn() const override { return store_.highest_lsn(); }
  bool empty() const override { return store_.empty(); }
  Status read(std::span<const RowKey> keys, const Found& found) override;
  Status save_flush_file(const FlushFile& run) override {
    return noted(store_.save_flush_file(run));
  }
  Result<std::vector<SlotFilter>> filters(Lsn replay_after) override {
    return noted(store_.filters(replay_after));
  }

  // Whether the store has answered any call with kCorrupt.
  bool met_damage() const { return met_damage_; }

  // Scans a slot where more than one in so many of its rows is wanted; 0: never.
  void set_scan_ratio(uint32_t rows_per_wanted_row) { scan_ratio_ = rows_per_wanted_row; }

 private:
  template <typename T>
  Result<T> noted(Result<T> answer) {
    if (!answer.ok() && answer.error().code == ErrorCode::kCorrupt) met_damage_ = true;
    return answer;
  }
  Result<RowBatch> read_part(std::span<const RowKey> keys, uint64_t rows_per_slot) const;

  RocksStore& store_;
  const SlotRange slots_;
  const uint32_t threads_;
  uint32_t scan_ratio_ = 25;
  bool met_damage_ = false;
};

}  // namespace cairn::ps
