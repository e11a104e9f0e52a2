// The rows of a shard as pulls and pushes use them: the hot tier, and what makes and changes a row
// (initial values, optimizer).
//
// A placeholder is a clean row of count 0: a key that was pulled and that the store does not hold.
// The placeholder keeps the answer "absent" at hand until the push of the pull's step makes a row
// of it; otherwise it is dropped.
//
// A tombstone is a dirty row of count 0: a row that was removed and that the store may still hold.
//
// Both read as the key's initial value. A push makes either a row again, if its table admits the
// key (ps/policy/admission.h). Thread safety: none; a shard's thread owns it.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "ps/hot/hot_tier.h"
#include "ps/optimizers/row_optimizer.h"
#include "ps/policy/admission.h"
#include "ps/row/stochastic_rounding.h"
#include "ps/store/cold_store.h"

namespace cairn::ps {

class ShardRows {
 public:
  // Errors: kInvalidArgument for an optimizer that is not known.
  static Result<std::unique_ptr<ShardRows>> create(SlotRange slots,
                                                   const std::vector<TableConfig>& tables,
                                                   uint64_t seed, uint64_t hot_bytes);

  HotTier& tier() { return *tier_; }
  const HotTier& tier() const { return *tier_; }
  uint32_t tables() const { return static_cast<uint32_t>(tables_.size()); }
  uint32_t dim(uint32_t table) const { return tables_[table].config.dim; }
  const TableConfig& config(uint32_t table) const { return tables_[table].config; }
  Admission& admission(uint32_t table) { return tables_[table].admission; }
  // Takes the filters that a store saved, except those of tables that no longer filter. Errors:
  // kInvalidArgument where a filter has another size now.
  Status load_filters(std::span<const SlotFilter> filters);
  bool filters_changed();

  enum class Absent : uint8_t {
    kUnknown,     // the store may hold it: report it in `missing`
    kMakeRow,     // it does not: make a placeholder
    kComputeOnly  // it does not: its initial value will do
  };
  // The rows that the asker has already: the rows as of this step; 0: none.
  struct Known {
    uint64_t step = 0;
    uint8_t* unchanged = nullptr;  // a bit per key (common/wire/message.h), all of them 0 before
  };
  // Copies the weights of `keys` to `weights` [keys, dim] of type `wire`, which may start at any
  // address. Where memory runs short, pins the rows for step `pin` (0: not): a row that goes before
  // its push is read again.
  //
  // A row that did not change after known.step gets its bit and is left out; rows behind it move
  // up. A key without a row is never left out, as its row may have gone since.
  //
  // Returns the end of the weights. If keys were added to `missing`, the weights are of no use.
  char* read(uint32_t table, std::span<const Key> keys, uint32_t pin, Absent absent,
             const Known& known, ValueType wire, char* weights, std::vector<RowKey>& missing);

  // Pins, for step `pin`, those of `keys` that are in memory, as `read` does. Adds the others to
  // `missing`.
  void pin(uint32_t table, std::span<const Key> keys, uint32_t pin, std::vector<RowKey>& missing);

  struct Change {
    uint32_t step;
    Lsn lsn;      // of the step's commit
    bool create;  // what is not in memory is not stored either: make it
  };
  struct Changed {
    size_t created = 0;
    size_t refused = 0;     // keys without a row that were not admitted
    size_t not_finite = 0;  // gradients with a NaN or infinity: their rows are left untouched
  };
  // The keys of a step's pushes that are neither in memory nor known to be absent, with their
  // gradients.
  struct Deferred {
    std::vector<Key> keys;
    std::vector<float> gradients;
  };
  // Applies gradients [keys, dim], summed over workers, to rows that do not contain them already. A
  // row contains them if its lsn is the change's or above: it was written to the store before a
  // crash.
  Changed apply(uint32_t table, std::span<const Key> keys, const float* gradients,
                const Change& change, Deferred& deferred);

  // Leaves a tombstone of `lsn`, also where the row is not in memory. A row of this lsn or a higher
  // one stays (log rule 6).
  void remove(uint32_t table, Key key, Lsn lsn);

  // Puts rows of the store into memory, and placeholders for keys that the store does not hold.
  // Pins both for `pin`, a step that is not applied yet (0: not). `keys` ascend. None is in memory
  // unless it was removed since the read began.
  void install(std::span<const RowKey> keys, const RowBatch& found, uint32_t pin);

  // Takes the keys that are in memory out of `keys`.
  void erase_present(std::vector<RowKey>& keys) const;

  // Drops the placeholders that no step above `applied_step` waits for.
  void drop_placeholders(uint64_t applied_step);

 private:
  struct Table {
    TableConfig config;
    RowLayout layout;
    std::unique_ptr<RowOptimizer> optimizer;
    Admission admission;
  };
  struct Placeholder {
    uint32_t table, number;
  };

  ShardRows(std::vector<Table> tables, uint64_t seed)
      : tables_(std::move(tables)), seed_(seed), rounding_(seed) {}
  // The initial weights in the table's type; valid until the next call.
  const char* initial_bytes(uint32_t table, Key key);
  void copy_weights(const RowLayout& layout, const char* weights, ValueType wire, char* to);
  void reset_values(uint32_t table, HotRow* row);
  HotRow* find(uint32_t table, Key key) const;
  // `may_go` says whether rows of the tier may be evicted before the push of their step.
  static void pin(HotRow& row, uint32_t pin, bool may_go) {
    if (!may_go && row.meta.count > 0) return;
    row.meta.state |= HotRow::kReferenced;
    row.raise_pin(pin);
  }
  // Rows that are updated together, with their gradients [used, dim].
  struct Group {
    const float* gradients = nullptr;
    size_t used = 0;
    std::array<HotRow*, HotTable::kGroup> rows;
    std::array<uint32_t, HotTable::kGroup> counts;
  };
  HotRow* row_to_change(uint32_t table, Key key, HotRow* row, const float* gradient,
                        const Change& change, Deferred& deferred, Changed& changed);
  void add(HotRow* row, const float* gradient, size_t in_group, size_t dim, Group& group);
  void update(uint32_t table, const Group& group, uint32_t step);
  HotRow* create_row(uint32_t table, Key key, uint32_t pin, uint32_t* number);
  HotRow* create_placeholder(uint32_t table, Key key, uint32_t pin);

  std::vector<Table> tables_;
  const uint64_t seed_;
  std::unique_ptr<HotTier> tier_;
  std::map<uint32_t, std::vector<Placeholder>> placeholders_;  // by pin
  std::vector<float> initial_;
  std::vector<char> initial_bytes_;
  std::vector<float> widened_;  // rows of bf16 weights while they are updated
  StochasticRounding rounding_;
  std::vector<float> compacted_;  // gradients of a group with gaps
};

}  // namespace cairn::ps
