#include "worker/ops/embedding.h"

#include <cmath>

#include "tests/seed.h"
#include "tests/worker/ops/backends.h"
#include "tests/worker/ops/numbers.h"

namespace cairn {
namespace {

class EmbeddingTest : public testing::TestWithParam<std::tuple<const Ops*, Pooling, size_t>> {
 protected:
  EmbeddingTest() {
    RandomStream random(test_seed(), 5);
    const size_t sizes[kBatch] = {1, 0, 3, 2, 5, 0, 1};
    for (const size_t size : sizes) {
      for (size_t i = 0; i < size; ++i)
        index.push_back(static_cast<uint32_t>(random.next_below(kUnique - 1)));  // with repeats
      offsets.push_back(static_cast<uint32_t>(index.size()));
    }
  }
  BagView bag() const { return {offsets, index, pooling}; }

  static constexpr size_t kBatch = 7, kUnique = 4;
  const Ops& ops = *std::get<0>(GetParam());
  const Pooling pooling = std::get<1>(GetParam());
  const size_t dim = std::get<2>(GetParam());
  std::vector<uint32_t> offsets = {0}, index;
  Numbers table = Numbers::random(kUnique, dim, 1);
  Numbers y{kBatch, dim, 4}, dy = Numbers::random(kBatch, dim, 2, 4);
};

TEST_P(EmbeddingTest, ForwardMatchesDouble) {
  ops.pool_forward(bag(), table, y);
  Table want(kBatch, std::vector<double>(dim, 0.0));
  for (size_t r = 0; r < kBatch; ++r) {
    const uint32_t count = offsets[r + 1] - offsets[r];
    for (uint32_t i = offsets[r]; i < offsets[r + 1]; ++i)
      for (size_t d = 0; d < dim; ++d)
        want[r][d] =
            pooling == Pooling::kMax && i > offsets[r]
                ? std::max(want[r][d], double{table.at(index[i], d)})
                : want[r][d] + table.at(index[i], d) / (pooling == Pooling::kMean ? count : 1.0);
  }
  expect_near("y", y, want, 1e-6);
  EXPECT_TRUE(y.gaps_untouched());
}

TEST_P(EmbeddingTest, BackwardMatchesFiniteDifferences) {
  const auto loss = [this] {
    ops.pool_forward(bag(), table, y);
    return dot(y, dy);
  };
  // A maximum has no slope where two rows meet: within the step they must not.
  if (pooling == Pooling::kMax)
    for (size_t d = 0; d < dim; ++d)
      for (size_t k = 0; k < kUnique; ++k)
        table.at(k, d) =
            0.5f * static_cast<float>((k + d) % kUnique) + 0.2f * std::tanh(table.at(k, d));
  const Table want = numeric_gradient(loss, table, pooling == Pooling::kMax ? 0.03125f : 0.25f);
  loss();
  expect_gradient(
      "table", want, [&](const Gradient& g) { ops.pool_backward(bag(), table, y, dy, g); }, 1e-5);
}

TEST_P(EmbeddingTest, RowsThatNoBagNamesHaveNoGradient) {
  Numbers dtable(kUnique, dim);
  ops.pool_forward(bag(), table, y);
  ops.pool_backward(bag(), table, y, dy, {dtable});
  for (size_t d = 0; d < dim; ++d) EXPECT_EQ(dtable.at(kUnique - 1, d), 0.0f);
}

TEST_P(EmbeddingTest, OfEqualRowsTheFirstHasTheGradientOfTheMaximum) {
  if (pooling != Pooling::kMax) GTEST_SKIP() << "only of maxima";
  for (size_t d = 0; d < dim; ++d) table.at(1, d) = table.at(0, d) = table.at(2, d) + 1.0f;
  offsets = {0, 4};
  index = {2, 1, 0, 1};
  Numbers dtable(kUnique, dim), largest(1, dim), done = Numbers::random(1, dim, 9);
  ops.pool_forward(bag(), table, largest);
  ops.pool_backward(bag(), table, largest, done, {dtable});
  for (size_t d = 0; d < dim; ++d) {
    EXPECT_EQ(dtable.at(1, d), done.at(0, d));
    EXPECT_EQ(dtable.at(0, d), 0.0f);
  }
}

TEST_P(EmbeddingTest, AnIndexBeyondTheTableEndsTheProcess) {
  index.back() = kUnique;
  EXPECT_DEATH(ops.pool_forward(bag(), table, y), "an index is beyond the table's rows");
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, EmbeddingTest,
                         testing::Combine(testing::ValuesIn(backends_in_this_build()),
                                          testing::Values(Pooling::kSum, Pooling::kMean,
                                                          Pooling::kMax),
                                          testing::Values(1, 16, 19)));

}  // namespace
}  // namespace cairn
