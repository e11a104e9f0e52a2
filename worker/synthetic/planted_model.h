// The truth behind a generated click log: a logit made of first-order effects and of second- and
// third-order crosses, whose parts of its variance are set and not left to chance.
//
// The effect of an id is drawn from the counter-based generator by (seed, task, term, place, id),
// so no table of effects is kept, whatever the cardinality. Ids are ranks of popularity, and
// effects fade past the first few hundred: what there is to learn can be learnt from samples that
// occur.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace cairn::synthetic {

// The contribution of one column of a sample: `scale` times the mean of the latents of `count` ids.
// Nothing (missing) where count is 0; a number x is scale x with the one id 0.
struct Factor {
  double scale = 1.0;
  uint32_t count = 0;
  std::array<uint64_t, 4> ids{};

  static Factor of_id(uint64_t id) { return {1.0, 1, {id}}; }
  static Factor of_number(double x) { return {x, 1, {0}}; }
};

// The product of one, two or three factors, by their places in the sample.
using Term = std::vector<uint32_t>;

inline constexpr size_t kOrders = 3;

// Thread safety: const once calibrated.
class PlantedModel {
 public:
  PlantedModel(uint64_t seed, uint32_t task, std::vector<Term> terms);

  // Sets the weight of each order so that its sum has deviation `deviations[order - 1]` over
  // `sample`.
  void calibrate(std::span<const std::vector<Factor>> sample,
                 const std::array<double, kOrders>& deviations);

  // With mean 0 over the sample that it was calibrated on.
  double logit(std::span<const Factor> factors) const;

 private:
  std::array<double, kOrders> sums(std::span<const Factor> factors) const;
  double value(const Term& term, uint32_t number, std::span<const Factor> factors) const;

  uint64_t seed_;
  uint32_t task_;
  std::vector<Term> terms_;
  std::array<double, kOrders> weights_ = {1.0, 1.0, 1.0};
  std::array<double, kOrders> means_{};
};

double sigmoid(double x);

// The bias b for which sigmoid(b + logits[i]), averaged by `weights`, is `rate`.
double bias_for_rate(std::span<const double> logits, std::span<const double> weights, double rate);

}  // namespace cairn::synthetic
