#include "worker/ops/embedding.h"

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
        want[r][d] += table.at(index[i], d) / (pooling == Pooling::kMean ? count : 1.0);
  }
  expect_near("y", y, want, 1e-6);
  EXPECT_TRUE(y.gaps_untouched());
}

TEST_P(EmbeddingTest, BackwardMatchesFiniteDifferences) {
  const auto loss = [this] {
    ops.pool_forward(bag(), table, y);
    return dot(y, dy);
  };
  const Table want = numeric_gradient(loss, table, 0.25f);
  expect_gradient("table", want, [&](const Gradient& g) { ops.pool_backward(bag(), dy, g); });
}

TEST_P(EmbeddingTest, RowsThatNoBagNamesHaveNoGradient) {
  Numbers dtable(kUnique, dim);
  ops.pool_backward(bag(), dy, {dtable});
  for (size_t d = 0; d < dim; ++d) EXPECT_EQ(dtable.at(kUnique - 1, d), 0.0f);
}

TEST_P(EmbeddingTest, AnIndexBeyondTheTableEndsTheProcess) {
  index.back() = kUnique;
  EXPECT_DEATH(ops.pool_forward(bag(), table, y), "an index is beyond the table's rows");
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, EmbeddingTest,
                         testing::Combine(testing::ValuesIn(backends_in_this_build()),
                                          testing::Values(Pooling::kSum, Pooling::kMean),
                                          testing::Values(1, 16, 19)));

}  // namespace
}  // namespace cairn
