#include "worker/math/ops/attention.h"

#include <cmath>

#include "tests/seed.h"
#include "tests/worker/math/ops/backends.h"
#include "tests/worker/math/ops/numbers.h"

namespace cairn::math {
namespace {

class AttentionTest : public testing::TestWithParam<std::tuple<const Ops*, size_t>> {
 protected:
  AttentionTest() {
    RandomStream random(test_seed(), 6);
    for (const size_t size : {2, 0, 1, 4, 0}) {
      for (size_t i = 0; i < size; ++i)
        index.push_back(static_cast<uint32_t>(random.next_below(kUnique - 1)));
      offsets.push_back(static_cast<uint32_t>(index.size()));
    }
  }
  BagView bag() const { return {offsets, index, Pooling::kAttention}; }
  AttentionInputs inputs() { return {bag(), table, target}; }
  WeightedPoolInputs pool() { return {bag(), table, scores}; }
  size_t row_of(uint32_t i) const {
    size_t r = 0;
    while (offsets[r + 1] <= i) ++r;
    return r;
  }

  static constexpr size_t kBatch = 5, kUnique = 5, kIds = 7, kRows = 10;  // three rows too many
  const Ops& ops = *std::get<0>(GetParam());
  const size_t dim = std::get<1>(GetParam());
  TestVector<uint32_t> offsets = {0}, index;
  Numbers table = Numbers::random(kUnique, dim, 1), target = Numbers::random(kBatch, dim, 2, 3);
  Numbers scores = Numbers::random(kRows, 1, 3), y{kBatch, dim, 4};
  Numbers dy = Numbers::random(kBatch, dim, 4, 4);
};

TEST_P(AttentionTest, InputsAreIdTargetDifferenceAndProduct) {
  Numbers x(kRows, 4 * dim);
  ops.attention_inputs_forward(inputs(), x);
  Table want(kRows, std::vector<double>(4 * dim, 0.0));
  for (uint32_t i = 0; i < kIds; ++i) {
    for (size_t d = 0; d < dim; ++d) {
      const double k = table.at(index[i], d), t = target.at(row_of(i), d);
      want[i][d] = k;
      want[i][dim + d] = t;
      want[i][2 * dim + d] = k - t;
      want[i][3 * dim + d] = k * t;
    }
  }
  expect_near("x", x, want, 1e-6);
}

TEST_P(AttentionTest, BackwardOfInputsMatchesFiniteDifferences) {
  Numbers x(kRows, 4 * dim), dx = Numbers::random(kRows, 4 * dim, 5);
  const auto loss = [&] {
    ops.attention_inputs_forward(inputs(), x);
    return dot(x, dx);
  };
  expect_gradient("table", numeric_gradient(loss, table, 0.25f), [&](const Gradient& g) {
    ops.attention_inputs_backward(inputs(), dx, {g, {}});
  });
  expect_gradient("target", numeric_gradient(loss, target, 0.25f), [&](const Gradient& g) {
    ops.attention_inputs_backward(inputs(), dx, {{}, g});
  });
}

TEST_P(AttentionTest, SoftmaxIsOfEachBagAlone) {
  Numbers p(kRows, 1);
  ops.bag_softmax_forward(bag(), scores, p);
  Table want(kRows, std::vector<double>(1, 0.0));
  for (size_t r = 0; r < kBatch; ++r) {
    double sum = 0.0;
    for (uint32_t i = offsets[r]; i < offsets[r + 1]; ++i) sum += std::exp(scores.at(i, 0));
    for (uint32_t i = offsets[r]; i < offsets[r + 1]; ++i)
      want[i][0] = std::exp(double{scores.at(i, 0)}) / sum;
  }
  expect_near("p", p, want, 1e-6);
  scores.at(0, 0) = 1000.0f;  // would overflow an exponential
  ops.bag_softmax_forward(bag(), scores, p);
  EXPECT_EQ(p.at(0, 0), 1.0f);
}

TEST_P(AttentionTest, BackwardOfSoftmaxMatchesFiniteDifferences) {
  Numbers p(kRows, 1), dp = Numbers::random(kRows, 1, 6);
  const auto loss = [&] {
    ops.bag_softmax_forward(bag(), scores, p);
    return dot(p, dp);
  };
  const Table want = numeric_gradient(loss, scores, 0.01f);
  loss();
  expect_gradient(
      "scores", want, [&](const Gradient& g) { ops.bag_softmax_backward(bag(), p, dp, g); }, 1e-4);
}

TEST_P(AttentionTest, WeightedPoolMatchesDouble) {
  ops.weighted_pool_forward(pool(), y);
  Table want(kBatch, std::vector<double>(dim, 0.0));
  for (uint32_t i = 0; i < kIds; ++i)
    for (size_t d = 0; d < dim; ++d)
      want[row_of(i)][d] += double{scores.at(i, 0)} * table.at(index[i], d);
  expect_near("y", y, want, 1e-6);
  EXPECT_TRUE(y.gaps_untouched());
}

TEST_P(AttentionTest, BackwardOfWeightedPoolMatchesFiniteDifferences) {
  const auto loss = [&] {
    ops.weighted_pool_forward(pool(), y);
    return dot(y, dy);
  };
  expect_gradient("table", numeric_gradient(loss, table, 0.25f), [&](const Gradient& g) {
    ops.weighted_pool_backward(pool(), dy, {g, {}});
  });
  expect_gradient("scores", numeric_gradient(loss, scores, 0.25f), [&](const Gradient& g) {
    ops.weighted_pool_backward(pool(), dy, {{}, g});
  });
}

TEST_P(AttentionTest, ShapesThatDisagreeEndTheProcess) {
  Numbers short_scores = Numbers::random(kIds - 1, 1, 7), narrow(kRows, 3 * dim);
  EXPECT_DEATH(ops.weighted_pool_forward({bag(), table, short_scores}, y), "no column of all ids");
  EXPECT_DEATH(ops.attention_inputs_forward(inputs(), narrow), "attention inputs: shapes differ");
  const PooledBag pooled[] = {{bag(), table}};
  EXPECT_DEATH(ops.pool_forward(std::span(pooled), y), "no pooling without scores");
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, AttentionTest,
                         testing::Combine(testing::ValuesIn(backends_in_this_build()),
                                          testing::Values(1, 16, 19)));

}  // namespace
}  // namespace cairn::math
