#include "worker/ops/loss.h"

#include <cmath>

#include "tests/worker/ops/backends.h"
#include "tests/worker/ops/numbers.h"

namespace cairn {
namespace {

class LossTest : public OpsTest {
 protected:
  static constexpr size_t kBatch = 8;
  static constexpr float kScale = 0.37f;

  // The second of three columns: losses work on columns of wider matrices.
  static Matrix column(Numbers& all) { return all.view().columns(1, 1); }

  void expect_matches(double (*op)(const LossInputs&, Matrix, Matrix),
                      double (*reference)(double z, double y), double (*prediction)(double z)) {
    const double sum =
        op({column(logits), column(labels), kScale}, column(predictions), column(dlogits));
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
  const double sum =
      ops.bce({column(logits), column(labels), 1.0f}, column(predictions), column(dlogits));
  EXPECT_DOUBLE_EQ(sum, kBatch / 2 * 1e4);  // every second label is the wrong one
  for (size_t r = 0; r < kBatch; ++r) {
    EXPECT_EQ(predictions.at(r, 1), r % 2 ? 1.0f : 0.0f);
    EXPECT_EQ(dlogits.at(r, 1), predictions.at(r, 1) - labels.at(r, 1));
  }
}

TEST_P(LossTest, SigmoidIsThePredictionOfBce) {
  ops.bce({column(logits), column(labels), 1.0f}, column(predictions), column(dlogits));
  Numbers alone(kBatch, 1);
  ops.sigmoid(column(logits), alone);
  expect_near("sigmoid", alone, to_table(column(predictions)), 0.0);
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, LossTest, testing::ValuesIn(backends_in_this_build()),
                         backend_name);

}  // namespace
}  // namespace cairn
