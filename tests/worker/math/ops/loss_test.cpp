#include "worker/math/ops/loss.h"

#include <cmath>

#include "tests/worker/math/ops/backends.h"
#include "tests/worker/math/ops/numbers.h"

namespace cairn::math {
namespace {

class LossTest : public OpsTest {
 protected:
  static constexpr size_t kBatch = 8;
  static constexpr float kScale = 0.37f;

  // The second of three columns: losses work on columns of wider matrices.
  static Matrix column(Numbers& all) { return all.view().columns(1, 1); }

  void expect_matches(void (*op)(const LossInputs&, Matrix, const Gradient&, double*),
                      double (*reference)(double z, double y), double (*prediction)(double z)) {
    op({column(logits), {column(labels), {}, kScale}}, column(predictions), {column(dlogits)},
       &sum);
    double want = 0;
    Table z = to_table(column(logits)), want_predictions = z;
    for (size_t r = 0; r < kBatch; ++r) {
      want += reference(z[r][0], labels.at(r, 1));
      want_predictions[r][0] = prediction(z[r][0]);
    }
    EXPECT_NEAR(sum, want, 1e-9 * std::abs(want));
    expect_near("predictions", column(predictions), want_predictions, 1e-7);

    Table slopes = numeric_gradient(
        [&] {
          double total = 0;
          for (size_t r = 0; r < kBatch; ++r) total += reference(z[r][0], labels.at(r, 1));
          return total;
        },
        z);
    for (auto& slope : slopes) slope[0] *= kScale;
    expect_near("dlogits", column(dlogits), slopes, 1e-6);
    for (size_t r = 0; r < kBatch; ++r) {
      EXPECT_TRUE(std::isnan(predictions.at(r, 0)) && std::isnan(predictions.at(r, 2)));
      EXPECT_TRUE(std::isnan(dlogits.at(r, 0)) && std::isnan(dlogits.at(r, 2)));
    }
  }

  Numbers logits = Numbers::random(kBatch, 3, 1), labels = Numbers::random(kBatch, 3, 2);
  Numbers predictions{kBatch, 3}, dlogits{kBatch, 3};
  TestVector<double> sums = {std::nan("")};
  double& sum = sums[0];
};

double logistic(double z) { return 1 / (1 + std::exp(-z)); }

TEST_P(LossTest, BceMatchesDouble) {
  for (size_t r = 0; r < kBatch; ++r) labels.at(r, 1) = static_cast<float>(r % 3) / 2;  // 0, 0.5, 1
  expect_matches(
      ops.bce,
      [](double z, double y) {
        return -y * std::log(logistic(z)) - (1 - y) * std::log(1 - logistic(z));
      },
      logistic);
}

TEST_P(LossTest, MseMatchesDouble) {
  expect_matches(
      ops.mse, [](double z, double y) { return (z - y) * (z - y); }, [](double z) { return z; });
}

TEST_P(LossTest, BceOfHugeLogitsIsTheirSize) {
  for (size_t r = 0; r < kBatch; ++r) {
    logits.at(r, 1) = r % 2 ? 1e4f : -1e4f;
    labels.at(r, 1) = r % 4 < 2 ? 1.0f : 0.0f;
  }
  ops.bce({column(logits), {column(labels)}}, column(predictions), {column(dlogits)}, &sum);
  EXPECT_DOUBLE_EQ(sum, kBatch / 2 * 1e4);  // every second label is the wrong one
  for (size_t r = 0; r < kBatch; ++r) {
    EXPECT_EQ(predictions.at(r, 1), r % 2 ? 1.0f : 0.0f);
    EXPECT_EQ(dlogits.at(r, 1), predictions.at(r, 1) - labels.at(r, 1));
  }
}

TEST_P(LossTest, BceOfAProductMatchesDouble) {
  Numbers three = Numbers::random(kBatch, 3, 5);
  for (size_t r = 0; r < kBatch; ++r) labels.at(r, 1) = static_cast<float>(r % 3) / 2;
  std::vector<ConstMatrix> z;
  for (size_t i = 0; i < 3; ++i) z.push_back(three.view().columns(i, 1));
  Table exact = to_table(three);
  const auto loss = [&] {
    double sum = 0;
    for (size_t r = 0; r < kBatch; ++r) {
      const double p = logistic(exact[r][0]) * logistic(exact[r][1]) * logistic(exact[r][2]);
      const double y = labels.at(r, 1), w = logits.at(r, 0);
      sum -= w * (y * std::log(p) + (1 - y) * std::log(1 - p));
    }
    return sum;
  };
  Table slopes = numeric_gradient(loss, exact);
  const double want = loss();
  for (auto& row : slopes)
    for (double& slope : row) slope *= kScale;
  expect_gradient("dlogits", slopes, [&](const Gradient& g) {
    const std::vector<Gradient> each = {g.columns(0, 1), g.columns(1, 1), g.columns(2, 1)};
    ops.bce_of_product(z, {column(labels), logits.view().columns(0, 1), kScale},
                       column(predictions), each, &sum);
    EXPECT_NEAR(sum, want, 1e-9 * std::abs(want));
  });
  Numbers alone(kBatch, 1);
  ops.product_of_sigmoids(z, alone);
  expect_near("predictions", alone, to_table(column(predictions)), 0.0);
}

TEST_P(LossTest, BceOfAProductOfHugeLogitsIsFinite) {
  for (const float size : {-1e4f, -40.0f, 40.0f, 1e4f}) {
    for (const float label : {0.0f, 1.0f}) {
      Numbers z(1, 2), y(1, 1), p(1, 1), dz(1, 2);
      z.at(0, 0) = size;
      z.at(0, 1) = 0.5f;
      y.at(0, 0) = label;
      const std::vector<ConstMatrix> both = {z.view().columns(0, 1), z.view().columns(1, 1)};
      const std::vector<Gradient> each = {{dz.view().columns(0, 1)}, {dz.view().columns(1, 1)}};
      ops.bce_of_product(both, {y}, p, each, &sum);
      EXPECT_TRUE(std::isfinite(sum));
      EXPECT_TRUE(std::isfinite(dz.at(0, 0)) && std::isfinite(dz.at(0, 1))) << size;
    }
  }
}

TEST_P(LossTest, SigmoidIsThePredictionOfBce) {
  ops.bce({column(logits), {column(labels)}}, column(predictions), {column(dlogits)}, &sum);
  Numbers alone(kBatch, 1);
  ops.sigmoid(column(logits), alone);
  expect_near("sigmoid", alone, to_table(column(predictions)), 0.0);
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, LossTest, testing::ValuesIn(backends_in_this_build()),
                         backend_name);

}  // namespace
}  // namespace cairn::math
