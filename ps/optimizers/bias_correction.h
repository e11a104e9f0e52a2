// Makes up for moments that begin at zero. Thread safety: const after construction.
#pragma once

#include <cstdint>
#include <vector>

namespace cairn::ps {

// 1 / (1 - beta^n) for n from 1 on. The values stand in a table until they are 1 in float: one
// power per row would cost as much as the row.
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

}  // namespace cairn::ps
