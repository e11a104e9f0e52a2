// Brings a shard back from its store and its log. The log's records after the last replay start are
// given one by one. Their pushes are gathered into steps. All rows that the gathered steps touch
// are read from the store in one pass over sorted keys. Then the steps are applied as a live shard
// applies them (ps/step/step_update.h). A step changes a row only where its commit lsn is above the
// row's own: the store may hold rows newer than the replay start, and the optimizer must not see a
// gradient twice.
//
// Memory: steps are held until their pushes take a sixteenth of `hot_bytes`. Then their rows are
// read and the steps are applied. Where the hot tier has no room for the next rows, dirty rows are
// written to the store first. A recovery that dies on the way changes nothing that the next one
// would not do again. Thread safety: none; it blocks.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "common/config/table_config.h"
#include "common/result.h"
#include "common/slots.h"
#include "ps/hot/shard_rows.h"
#include "ps/hot/write_back.h"
#include "ps/log/push_log.h"
#include "ps/step/step_assembler.h"
#include "ps/store/cold_store.h"

namespace cairn::ps {

// A store as recovery uses it. Nothing else uses the store meanwhile.
class RecoveryStore {
 public:
  // Called with some of the keys asked for, and the stored rows among them.
  using Found = std::function<void(std::span<const RowKey> keys, const RowBatch& found)>;

  virtual ~RecoveryStore() = default;

  // No row has a higher lsn.
  virtual Lsn highest_lsn() const = 0;
  virtual bool empty() const = 0;
  // `keys` ascend. This thread calls `found` with one part of the keys after the other, in any
  // order.
  virtual Status read(std::span<const RowKey> keys, const Found& found) = 0;
  virtual Status save_flush_file(const FlushFile& run) = 0;
  // The filters as they stood at a replay start.
  virtual Result<std::vector<SlotFilter>> filters(Lsn replay_after) = 0;
};

struct RecoveryOptions {
  SlotRange slots;
  uint32_t workers = 1;
  uint64_t seed = 0;  // of the job
  uint64_t hot_bytes = 0;
  std::vector<TableConfig> tables;
  // From the log's last replay start: everything up to `replay_after` is in the store. `sequences`
  // were the workers' when the flush of that replay start began.
  Lsn replay_after = 0;
  std::vector<WorkerSequence> sequences;
  Lsn last_lsn = 0;  // that the log has acknowledged
};

// The state that a shard goes on from.
struct RecoveredShard {
  std::unique_ptr<ShardRows> rows;  // dirty where the log changed them
  StepAssembler assembler;          // pushes of steps that are not complete wait in it
  // Rows of lsns above `replay_after` may be missing in the store, so the log's replay start stays
  // as it was.
  Lsn replay_after = 0;
  std::vector<WorkerSequence> sequences;
};

class ShardRecovery {
 public:
  // Errors: kCorrupt where the store is ahead of the log or the replay start is not of this job's
  // workers; kInvalidArgument for tables that cannot be served.
  static Result<std::unique_ptr<ShardRecovery>> begin(RecoveryOptions options,
                                                      RecoveryStore& store);

  // Takes the next record of the log, from the one after `replay_after` on. Errors: kCorrupt,
  // naming a record that does not follow the one before; the store's errors.
  Status take(const LogRecord& record);

  // Ends the recovery, after the last record. Errors: the store's.
  Result<RecoveredShard> finish();

  uint64_t logged_rows() const { return logged_rows_; }  // gradients of rows replayed
  uint64_t unique_keys() const { return unique_keys_; }  // of them, a part of the log each
  uint64_t saved_rows() const { return write_back_.rows_saved(); }  // to make room

 private:
  ShardRecovery(RecoveryOptions options, RecoveryStore& store, std::unique_ptr<ShardRows> rows);

  Status take_push(const LogRecord& record);
  Status take_delete(const LogRecord& record);
  void delete_rows(size_t steps_before);
  Status apply_ready();
  Status make_room(uint64_t rows);
  void reserve(std::span<const RowKey> keys);  // room in the indexes, for rows that come in order
  Status write_back(Lsn acknowledged);

  const RecoveryOptions options_;
  RecoveryStore& store_;
  std::unique_ptr<ShardRows> rows_;
  StepAssembler assembler_;
  std::vector<StepAssembler::Step> ready_;  // complete, in the order of their commit lsns
  uint64_t ready_bytes_ = 0;
  struct Deletion {
    size_t steps_before;  // of `ready_`: it comes after so many of them
    Lsn lsn;
    std::vector<DeletedKey> keys;
  };
  std::deque<Deletion> deletions_;  // in the order of their lsns
  Lsn taken_ = 0;                   // the last record's
  std::vector<FlushFile> runs_;     // of a flush under way
  WriteBack write_back_;
  std::vector<ShardRows::Deferred> deferred_;
  uint64_t logged_rows_ = 0, unique_keys_ = 0;
};

}  // namespace cairn::ps
