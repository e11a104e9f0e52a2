// Rows of a model's tables in arrays of this process: what a training step costs without a server.
// Keys are row numbers. Of W workers each owns an equal range of every table's keys, and updates
// those rows with the gradients of all, in the workers' order.
//
// Thread safety: `pull` by any number of threads, or `update` by each worker's own thread, but not
// both at once.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "bench/step/models.h"
#include "common/hash.h"
#include "ps/optimizers/row_optimizer.h"
#include "worker/math/tensor/arena.h"

namespace cairn::step {

class LocalRows {
 public:
  LocalRows(const StepModel& model, size_t workers);

  // `keys` ascend. rows [keys, dim].
  void pull(size_t table, std::span<const Key> keys, std::span<float> rows) const;

  // The push of one worker's step to one table.
  struct Push {
    std::span<const Key> keys;         // ascending
    std::span<const float> gradients;  // [keys, dim]
  };
  // Updates the rows that `owner` owns. `pushes`: of all workers.
  void update(size_t owner, size_t table, std::span<const Push> pushes, uint64_t step);

  size_t tables() const { return tables_.size(); }

 private:
  struct Table {
    size_t rows = 0, dim = 0, row_floats = 0;
    float* floats = nullptr;  // [rows, row_floats]: weights, then the optimizer's state
    std::vector<uint32_t> counts;
    float* row(Key key) const { return floats + key * row_floats; }
  };
  // Everything that one owner needs for an update; buffers grow and stay.
  struct Owner {
    std::unique_ptr<ps::RowOptimizer> optimizer;
    std::vector<Key> keys;
    std::vector<float> gradients;
    std::vector<float*> rows;
    std::vector<uint32_t> counts;
    std::vector<size_t> next;  // of each push
  };
  static void merge(Owner& owner, std::span<const Push> pushes, Key begin, Key end, size_t dim);

  math::Arena storage_;  // on huge pages where the system has them
  std::vector<Table> tables_;
  std::vector<Owner> owners_;
};

}  // namespace cairn::step
