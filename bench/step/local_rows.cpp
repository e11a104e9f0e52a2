#include "bench/step/local_rows.h"

#include <algorithm>
#include <cstring>

#include "common/random.h"

namespace cairn::step {
namespace {

constexpr size_t kAhead = 32;   // rows between a prefetch and the use
constexpr size_t kChunk = 256;  // rows of an update
constexpr size_t kLineFloats = 16;

void prefetch(const float* row, size_t floats) {
  for (size_t i = 0; i < floats; i += kLineFloats) __builtin_prefetch(row + i, 1);
}

}  // namespace

LocalRows::LocalRows(const StepModel& model, size_t workers) : owners_(workers) {
  for (Owner& owner : owners_)
    owner.optimizer = ps::make_row_optimizer(model.row_optimizer).value();
  for (size_t t = 0; t < model.table_rows.size(); ++t) {
    Table& table = tables_.emplace_back();
    table.rows = model.table_rows[t];
    table.dim = model.shape.table_dims[t];
    table.row_floats = table.dim + owners_[0].optimizer->state_floats(table.dim);
    table.floats = storage_.array<float>(table.rows * table.row_floats).data();
    table.counts.assign(table.rows, 0);
    RandomStream random(1, t);
    for (Key key = 0; key < table.rows; ++key) {
      for (size_t i = 0; i < table.dim; ++i) table.row(key)[i] = 0.01f * random.next_normal();
      owners_[0].optimizer->init_state({table.row(key) + table.dim, table.row_floats - table.dim});
    }
  }
}

void LocalRows::pull(size_t table_number, std::span<const Key> keys, std::span<float> rows) const {
  const Table& table = tables_[table_number];
  for (size_t i = 0; i < keys.size(); ++i) {
    if (i + kAhead < keys.size()) prefetch(table.row(keys[i + kAhead]), table.dim);
    std::memcpy(rows.data() + i * table.dim, table.row(keys[i]), table.dim * sizeof(float));
  }
}

// The keys in [begin, end) of all pushes, and the sums of their gradients in the pushes' order.
void LocalRows::merge(Owner& owner, std::span<const Push> pushes, Key begin, Key end, size_t dim) {
  owner.next.clear();
  owner.keys.clear();
  owner.gradients.clear();
  for (const Push& push : pushes)
    owner.next.push_back(static_cast<size_t>(
        std::lower_bound(push.keys.begin(), push.keys.end(), begin) - push.keys.begin()));
  for (;;) {
    Key lowest = end;
    for (size_t w = 0; w < pushes.size(); ++w)
      if (owner.next[w] < pushes[w].keys.size())
        lowest = std::min(lowest, pushes[w].keys[owner.next[w]]);
    if (lowest == end) return;
    owner.keys.push_back(lowest);
    bool first = true;
    for (size_t w = 0; w < pushes.size(); ++w) {
      const size_t at = owner.next[w];
      if (at == pushes[w].keys.size() || pushes[w].keys[at] != lowest) continue;
      const float* from = pushes[w].gradients.data() + at * dim;
      if (std::exchange(first, false)) {
        owner.gradients.insert(owner.gradients.end(), from, from + dim);
      } else {
        float* sum = owner.gradients.data() + owner.gradients.size() - dim;
        for (size_t i = 0; i < dim; ++i) sum[i] += from[i];
      }
      ++owner.next[w];
    }
  }
}

void LocalRows::update(size_t owner_number, size_t table_number, std::span<const Push> pushes,
                       uint64_t step) {
  Table& table = tables_[table_number];
  Owner& owner = owners_[owner_number];
  std::span<const Key> keys = pushes[0].keys;
  const float* gradients = pushes[0].gradients.data();
  if (pushes.size() > 1) {
    merge(owner, pushes, table.rows * owner_number / owners_.size(),
          table.rows * (owner_number + 1) / owners_.size(), table.dim);
    keys = owner.keys;
    gradients = owner.gradients.data();
  }
  owner.rows.resize(keys.size());
  owner.counts.resize(keys.size());
  for (size_t i = 0; i < keys.size(); ++i) {
    owner.rows[i] = table.row(keys[i]);
    owner.counts[i] = ++table.counts[keys[i]];
  }
  const std::span<float* const> rows = owner.rows;
  const std::span<const uint32_t> counts = owner.counts;
  for (size_t first = 0; first < keys.size(); first += kChunk) {
    const size_t count = std::min(kChunk, keys.size() - first);
    for (size_t i = first; i < std::min(first + 2 * kChunk, keys.size()); ++i)
      if (i >= first + kChunk || first == 0) prefetch(rows[i], table.row_floats);
    owner.optimizer->update(rows.subspan(first, count), counts.subspan(first, count), table.dim,
                            gradients + first * table.dim, step);
  }
}

}  // namespace cairn::step
