// What rows must be after each step, computed the straightforward way: one map, one key at a time.
#pragma once

#include <cmath>
#include <map>
#include <vector>

#include "ps/initializer.h"
#include "ps/row.h"
#include "tests/ps/shard_messages.h"

namespace cairn {

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

  // pushes: by worker, then table. With an lsn, rows that are as new already stay as they are.
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
    return row;
  }

  void update(uint32_t table, Key key, const std::vector<float>& g, uint32_t step, Lsn lsn) {
    const RowOptimizerConfig& config = tables_[table].optimizer;
    Row& row = rows_.try_emplace({table, key}, fresh(table, key)).first->second;
    if (lsn > 0 && row.lsn >= lsn) return;
    row.lsn = lsn;
    ++row.count;
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
};

}  // namespace cairn
