// The rows that must exist after each step, computed the straightforward way: one map, one key at a
// time.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <tuple>
#include <vector>

#include "ps/policy/admission.h"
#include "ps/row/initializer.h"
#include "ps/row/row.h"
#include "tests/ps/shard/shard_messages.h"

namespace cairn::ps {

class ReferenceRows {
 public:
  struct Row {
    std::vector<float> weights, state;
    uint32_t count = 0, last_step = 0;
    Lsn lsn = 0;  // only where rows are replayed from a log
    friend bool operator==(const Row& a, const Row& b) {
      return a.weights == b.weights && a.state == b.state && a.count == b.count &&
             a.last_step == b.last_step;
    }
  };

  ReferenceRows(std::vector<TableConfig> tables, uint64_t seed)
      : tables_(std::move(tables)), seed_(seed) {}

  // `pushes` go by worker, then table. With an lsn, rows of that lsn or a higher one stay as they
  // are.
  void apply(uint32_t step, const std::vector<std::map<uint32_t, KeyValues>>& pushes, Lsn lsn = 0) {
    for (uint32_t table = 0; table < tables_.size(); ++table) {
      KeyValues sums;
      std::map<Key, std::vector<double>> wide_sums;
      for (const auto& push : pushes) {
        if (!push.contains(table)) continue;
        for (const auto& [key, gradient] : push.at(table)) {
          auto [sum, first] = sums.try_emplace(key, gradient);
          std::vector<double>& wide = wide_sums[key];
          wide.resize(gradient.size());
          for (size_t i = 0; i < gradient.size(); ++i) {
            if (!first) sum->second[i] += gradient[i];
            wide[i] += gradient[i];
          }
        }
      }
      for (const auto& [key, sum] : sums) {
        const bool admitted = admits(table, key, step);
        ++seen_[{table, key}];
        if (!admitted) continue;
        bool finite = true;
        for (size_t i = 0; i < sum.size(); ++i) {
          finite = finite && std::isfinite(sum[i]);
          if (std::isfinite(wide_sums[key][i]))
            check(std::abs(wide_sums[key][i] - sum[i]) < 1e-4, "the sum of gradients is one");
        }
        if (finite) update(table, key, sum, step, lsn);
      }
    }
  }

  // Removes the rows that expire or exceed a cap after a step, in the slots that are due.
  void remove_rows(uint32_t step, uint32_t period) {
    std::map<std::pair<uint32_t, uint32_t>, std::vector<RowKey>> slots;
    std::erase_if(rows_, [&](const auto& row) {
      const auto& [key, its] = row;
      if (slot_of(key.key) % period != step % period) return false;
      if (expires(tables_[key.table], its, step)) return true;
      slots[{key.table, slot_of(key.key)}].push_back(key);
      return false;
    });
    for (auto& [slot, keys] : slots) {
      const uint64_t max_rows = tables_[slot.first].max_rows;
      std::ranges::sort(keys, {}, [&](const RowKey& key) {
        const Row& row = rows_.at(key);
        return std::tuple(row.count, row.last_step, key.key);
      });
      for (size_t i = 0; max_rows > 0 && i + (max_rows + kSlots - 1) / kSlots < keys.size(); ++i)
        rows_.erase(keys[i]);
    }
  }

  std::vector<float> weights(uint32_t table, Key key) const {
    const auto at = rows_.find({table, key});
    return at != rows_.end() ? at->second.weights : fresh(table, key).weights;
  }
  const std::map<RowKey, Row>& rows() const { return rows_; }
  void set(const RowKey& key, Row row) { rows_[key] = std::move(row); }

 private:
  Row fresh(uint32_t table, Key key) const {
    const TableConfig& config = tables_[table];
    Row row;
    row.weights.resize(config.dim);
    initial_weights(config.initializer, seed_, table, key, row.weights);
    if (config.optimizer.name == "adagrad")
      row.state.assign(config.dim, config.optimizer.initial_accumulator);
    if (config.optimizer.name == "adam") row.state.assign(2 * config.dim, 0.0f);
    if (holds_created_step(config)) row.state.push_back(0);
    return row;
  }

  bool admits(uint32_t table, Key key, uint32_t step) const {
    const AdmissionConfig& config = tables_[table].admission;
    if (rows_.contains({table, key})) return true;
    if (config.min_count == 1) return Admission({}, config, table, seed_).admits(key, step);
    const auto seen = seen_.find({table, key});
    return (seen == seen_.end() ? 0 : seen->second) + 1 >= config.min_count;
  }
  static bool expires(const TableConfig& table, const Row& row, uint32_t step) {
    const ExpiryConfig& expiry = table.expiry;
    double squares = 0;
    for (const float weight : row.weights) squares += double{weight} * weight;
    const bool unseen = expiry.unseen_steps > 0 && step >= row.last_step + expiry.unseen_steps;
    const bool old = expiry.age_steps > 0 &&
                     step >= std::bit_cast<uint32_t>(row.state.back()) + expiry.age_steps;
    return unseen || old || std::sqrt(squares) < double{expiry.min_norm};
  }

  void update(uint32_t table, Key key, const std::vector<float>& g, uint32_t step, Lsn lsn) {
    const RowOptimizerConfig& config = tables_[table].optimizer;
    Row& row = rows_.try_emplace({table, key}, fresh(table, key)).first->second;
    if (lsn > 0 && row.lsn >= lsn) return;
    row.lsn = lsn;
    if (++row.count == 1 && holds_created_step(tables_[table]))
      row.state.back() = std::bit_cast<float>(step);
    row.last_step = step;
    const size_t dim = g.size();
    for (size_t i = 0; i < dim; ++i) {
      float& w = row.weights[i];
      if (config.name == "sgd") {
        w -= config.learning_rate * g[i];
      } else if (config.name == "adagrad") {
        row.state[i] += g[i] * g[i];
        w -= config.learning_rate * g[i] / (std::sqrt(row.state[i]) + config.epsilon);
      } else {
        float &m = row.state[i], &v = row.state[dim + i];
        m = config.beta1 * m + (1.0f - config.beta1) * g[i];
        v = config.beta2 * v + (1.0f - config.beta2) * (g[i] * g[i]);
        const double b1 = config.beta1, b2 = config.beta2;
        const auto c1 = static_cast<float>(1.0 / (1.0 - std::pow(b1, row.count)));
        const auto c2 = static_cast<float>(1.0 / (1.0 - std::pow(b2, row.count)));
        w -= config.learning_rate * (m * c1) / (std::sqrt(v * c2) + config.epsilon);
      }
    }
  }

  std::vector<TableConfig> tables_;
  uint64_t seed_;
  std::map<RowKey, Row> rows_;
  std::map<RowKey, uint32_t> seen_;  // steps that held a key
};

}  // namespace cairn::ps
