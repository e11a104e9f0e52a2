#include "ps/optimizers/row_optimizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "common/check.h"
#include "common/config/learning_rate.h"
#include "common/simd.h"
#include "ps/optimizers/square_sum.h"

namespace cairn::ps {

namespace {

constexpr size_t kChunk = 256;  // rows

// In the order of row_optimizers().
constexpr RowOptimizer::Formula kFormulas[] = {
#define CAIRN_ROW_OPTIMIZER(name, floats_per_weight, floats_per_row, takes) row_formulas::name,
#include "common/config/row_optimizers.def"
#undef CAIRN_ROW_OPTIMIZER
};

// out = g min(1, clip_norm / ||g||) + weight_decay w, row by row; clip_norm 0: g as it is.
CAIRN_SIMD void adjust(std::span<float* const> rows, size_t dim, const float* gradients,
                       float clip_norm, float weight_decay, float* out) {
  for (const float* const row : rows) {
    const float* const __restrict w = row;
    const float* const __restrict g = gradients;
    float* const __restrict adjusted = out;
    float scale = 1.0f;
    if (clip_norm > 0.0f) {
      const float norm = std::sqrt(square_sum(g, dim));
      if (norm > clip_norm) scale = clip_norm / norm;
    }
    for (size_t i = 0; i < dim; ++i) adjusted[i] = scale * g[i] + weight_decay * w[i];
    gradients += dim;
    out += dim;
  }
}

}  // namespace

RowOptimizer::RowOptimizer(const RowOptimizerFacts& facts, Formula formula,
                           const RowOptimizerConfig& config)
    : facts_(facts),
      formula_(formula),
      config_(config),
      added_decay_((facts.takes & kDecoupledDecay) != 0 ? 0.0f : config.weight_decay) {
  if ((facts.takes & kMoments) != 0)
    corrections_ = {BiasCorrection(config.beta1), BiasCorrection(config.beta2)};
}

void RowOptimizer::init_state(std::span<float> state) const {
  const bool starts = (facts_.takes & kInitialAccumulator) != 0;
  std::ranges::fill(state, starts ? config_.initial_accumulator : 0.0f);
}

void RowOptimizer::update(std::span<float* const> rows, std::span<const uint32_t> counts,
                          size_t dim, const float* gradients, uint64_t step) {
  const bool adjusts = config_.clip_norm > 0.0f || added_decay_ != 0.0f;
  if (adjusts) adjusted_.resize(kChunk * dim);
  scratch_.resize(dim);
  std::array<float, kChunk> unbias1, unbias2;
  RowUpdate update = {.rows = {},
                      .dim = dim,
                      .gradients = nullptr,
                      .learning_rate = learning_rate(config_.learning_rate, config_.schedule, step),
                      .unbias1 = unbias1.data(),
                      .unbias2 = unbias2.data(),
                      .scratch = scratch_.data()};
  for (size_t first = 0; first < rows.size(); first += kChunk) {
    update.rows = rows.subspan(first, std::min(kChunk, rows.size() - first));
    update.gradients = gradients + first * dim;
    if (adjusts) {
      adjust(update.rows, dim, update.gradients, config_.clip_norm, added_decay_, adjusted_.data());
      update.gradients = adjusted_.data();
    }
    for (size_t i = 0; i < update.rows.size() && !corrections_.empty(); ++i) {
      const uint32_t count = counts[first + i];
      check(count > 0, "a touched row has a count");
      unbias1[i] = corrections_[0](count);
      unbias2[i] = corrections_[1](count);
    }
    formula_(update, config_);
  }
}

Result<std::unique_ptr<RowOptimizer>> make_row_optimizer(const RowOptimizerConfig& config) {
  const RowOptimizerFacts* facts = find_row_optimizer(config.name);
  if (facts == nullptr)
    return Error{ErrorCode::kInvalidArgument,
                 "unknown row optimizer '" + config.name + "'; known: " + row_optimizer_names()};
  const auto place = static_cast<size_t>(facts - row_optimizers().data());
  return std::make_unique<RowOptimizer>(*facts, kFormulas[place], config);
}

}  // namespace cairn::ps
