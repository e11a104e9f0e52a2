#include "worker/synthetic/planted_model.h"

#include <gtest/gtest.h>

#include <cmath>

#include "common/random.h"
#include "tests/seed.h"

namespace cairn::synthetic {
namespace {

std::vector<std::vector<Factor>> draw_samples(size_t count) {
  RandomStream random(test_seed(), 12);
  std::vector<std::vector<Factor>> sample(count);
  for (auto& factors : sample)
    factors = {Factor::of_id(random.next_below(10)), Factor::of_id(random.next_below(20)),
               Factor::of_id(random.next_below(5))};
  return sample;
}

double deviation_of(const PlantedModel& model, const std::vector<std::vector<Factor>>& sample) {
  double sum = 0, squares = 0;
  for (const auto& factors : sample) {
    const double logit = model.logit(factors);
    sum += logit;
    squares += logit * logit;
  }
  const double n = static_cast<double>(sample.size());
  EXPECT_NEAR(sum / n, 0.0, 1e-9);
  return std::sqrt(squares / n - sum / n * (sum / n));
}

TEST(PlantedModel, EachOrderHasTheDeviationThatIsSet) {
  const auto sample = draw_samples(5000);
  const std::vector<Term> terms = {{0}, {1}, {0, 1}, {1, 2}, {0, 1, 2}};
  for (size_t order = 0; order < kOrders; ++order) {
    PlantedModel model(test_seed(), 0, terms);
    std::array<double, kOrders> deviations{};
    deviations[order] = 0.7;
    model.calibrate(sample, deviations);
    EXPECT_NEAR(deviation_of(model, sample), 0.7, 1e-6) << order;
  }
}

TEST(PlantedModel, ACrossIsNoSumOfEffectsOfItsColumns) {
  PlantedModel model(test_seed(), 0, {{0, 1}});
  model.calibrate(draw_samples(2000), {0, 1, 0});
  double largest = 0;
  for (uint64_t a = 1; a < 10; ++a)
    for (uint64_t b = 1; b < 10; ++b) {
      const auto at = [&](uint64_t x, uint64_t y) {
        const std::vector<Factor> factors = {Factor::of_id(x), Factor::of_id(y)};
        return model.logit(factors);
      };
      // Zero for every sum of an effect of a and one of b.
      largest = std::max(largest, std::fabs(at(a, b) - at(0, b) - at(a, 0) + at(0, 0)));
    }
  EXPECT_GT(largest, 0.3);
}

TEST(PlantedModel, AMissingFactorBringsNothingAndABagItsMean) {
  PlantedModel model(test_seed(), 0, {{0}});
  model.calibrate(draw_samples(2000), {1, 0, 0});
  const auto at = [&](const Factor& factor) { return model.logit({&factor, 1}); };
  const double nothing = at(Factor{});
  const Factor bag = {1.0, 2, {3, 4}};
  EXPECT_NEAR(at(bag), (at(Factor::of_id(3)) + at(Factor::of_id(4))) / 2, 1e-9);
  EXPECT_NEAR(at(Factor::of_number(2)) - nothing, 2 * (at(Factor::of_number(1)) - nothing), 1e-9);
}

TEST(BiasForRate, GivesTheWeightedRate) {
  const std::vector<double> logits = {-2, 0.5, 3}, weights = {1, 2, 0.5};
  const double bias = bias_for_rate(logits, weights, 0.3);
  double sum = 0;
  for (size_t i = 0; i < 3; ++i) sum += weights[i] * sigmoid(bias + logits[i]);
  EXPECT_NEAR(sum / 3.5, 0.3, 1e-12);
}

}  // namespace
}  // namespace cairn::synthetic
