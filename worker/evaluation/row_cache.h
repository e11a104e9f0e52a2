// Rows that inference keeps from batch to batch, in the memory that the model computes in: a row
// that it has is neither asked for nor copied there again. Exact, as nothing changes while a model
// is evaluated: a row that was pulled as of the same step is used as it is, one of an earlier step
// once its shard has said by one bit that it has not changed since (start_pull's `known`).
//
// Training in `sync` has no use for it: a step changes every row that it pulls, so no copy of one
// is good for the next.
//
// Each table is one piece of memory: the rows that are kept, and behind them those that were pulled
// for the batch at hand. A batch's bags index it as it is. Thread safety: none; it belongs to the
// worker's thread and must not outlive the memory of `ops`.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "common/hash.h"
#include "worker/evaluation/row_directory.h"
#include "worker/features/batch.h"
#include "worker/math/device/device.h"
#include "worker/math/ops/ops.h"

namespace cairn::evaluation {

class RowCache {
 public:
  // table_of_bag[b]: of Batch::bags[b]. `bytes`: for rows and for finding them. The first batch
  // shows how they are shared among the tables. With 0 nothing is kept.
  RowCache(const math::Ops& ops, std::vector<uint32_t> table_dims,
           std::vector<uint32_t> table_of_bag, uint64_t bytes);
  ~RowCache();
  RowCache(const RowCache&) = delete;
  RowCache& operator=(const RowCache&) = delete;

  // The rows that a batch asks its shards for.
  class Wanted {
   public:
    // A table: of each of Batch::keys, the step that its row here was known at, as
    // PsClient::start_pull wants it; empty: none of them is here.
    std::vector<std::vector<uint64_t>> known;
    uint64_t found = 0;  // rows that need not be asked for

   private:
    friend class RowCache;
    uint64_t number_ = 0;  // of the batch
    // A table: of each of Batch::keys its place, or kNone.
    std::vector<std::vector<uint32_t>> asked_;
  };

  // Wants rows as they stand after `step`, which never goes back. From then on the batch's keys are
  // those to be asked for, and its bags index tables(). Several batches may be wanted before the
  // first is taken: as they are taken in order, each finds at its turn what was here when it was
  // wanted, and what those before it asked for.
  Wanted want(features::Batch& batch, uint64_t step);

  // Takes what was pulled for a batch that is computed next, in the order that they were wanted in
  // and without leaving one out: rows[t] is [keys, dim], and must stay as it is until the device
  // has done what it was given; kept[t][i] is 1 where row i is as it was. Returns how many were.
  uint64_t take(const Wanted& wanted, std::span<const std::vector<float>> rows,
                std::span<const std::vector<uint8_t>> kept);

  // As ModelInput::tables, in the memory of `ops`; until the next `take`.
  std::span<const std::span<const float>> tables() const { return views_; }

 private:
  struct Table {
    uint32_t dim = 0;
    RowDirectory directory;
    float* rows = nullptr;  // [places of the directory + room, dim]
    size_t room = 0;
    size_t most_keys = 0;  // of a batch
    size_t floats() const { return (directory.places() + room) * dim; }
  };

  void share_bytes(const features::Batch& batch);
  void want_of_table(uint32_t t, features::Batch& batch, uint32_t step, Wanted& wanted);
  void make_room(Table& table);
  void copy(void* to, const void* from, size_t bytes);
  // Behind the rows that are kept, and those to be kept from there to their places. moves_of[t]:
  // how many of moves_, one table behind the other.
  void place_rows(std::span<const std::vector<float>> rows, std::span<const size_t> moves_of);

  const math::Ops& ops_;
  math::Memory& memory_;
  math::Device* device_;  // null: host memory
  std::vector<uint32_t> table_of_bag_;
  uint64_t bytes_;
  bool is_shared_ = false;
  uint64_t wanted_ = 0, taken_ = 0;  // batches
  std::vector<Table> tables_;
  std::vector<std::span<const float>> views_;
  std::vector<uint32_t> index_of_;  // of a table's unique keys in the batch at hand
  std::vector<math::RowMove> moves_;
  math::RowMove* moves_here_ = nullptr;  // in memory_
  size_t moves_room_ = 0;
};

}  // namespace cairn::evaluation
