// Adam: m = beta1 m + (1 - beta1) g; v = beta2 v + (1 - beta2) g^2;
// w -= learning_rate * (m / (1 - beta1^n)) / (sqrt(v / (1 - beta2^n)) + epsilon), where n is the
// count of the row: its moments decay only when it is touched, so its bias shrinks only then.
// State: m, v [dim]. Source: Kingma, Ba, "Adam", arXiv:1412.6980, algorithm 1.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ps/optimizers/row_optimizer.h"

namespace cairn {

// 1 / (1 - beta^n) for n from 1 on: a table, until it is 1 in float, as a power a row costs as much
// as the row.
class BiasCorrection {
 public:
  explicit BiasCorrection(double beta);
  float operator()(uint32_t count) const {
    return count < table_.size() ? table_[count] : compute(count);
  }

 private:
  float compute(uint32_t count) const;
  double beta_;
  std::vector<float> table_;
};

struct AdamParameters {
  float learning_rate, beta1, beta2, epsilon;
};

// rows[i]: weights [dim], m [dim], v [dim]; gradients [rows, dim]; corrections1 and 2: of m and v,
// one a row. Rows do not overlap gradients.
void adam_rows(std::span<float* const> rows, size_t dim, const float* gradients,
               const float* corrections1, const float* corrections2,
               const AdamParameters& parameters);

std::unique_ptr<RowOptimizer> make_adam(const RowOptimizerConfig& config);

}  // namespace cairn
