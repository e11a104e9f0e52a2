#include "worker/math/ops/embedding.h"

#include <cmath>

#include "tests/seed.h"
#include "tests/worker/math/ops/backends.h"
#include "tests/worker/math/ops/numbers.h"

namespace cairn::math {
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
  void forward(Matrix to) {
    const PooledBag only[] = {{bag(), table}};
    ops.pool_forward(std::span(only), to);
  }
  void backward(ConstMatrix of, ConstMatrix dof, const Gradient& dtable) {
    const PooledBag only[] = {{bag(), table}};
    ops.pool_backward(std::span(only), of, dof, std::span(&dtable, 1));
  }

  static constexpr size_t kBatch = 7, kUnique = 4;
  const Ops& ops = *std::get<0>(GetParam());
  const Pooling pooling = std::get<1>(GetParam());
  const size_t dim = std::get<2>(GetParam());
  TestVector<uint32_t> offsets = {0}, index;
  Numbers table = Numbers::random(kUnique, dim, 1);
  Numbers y{kBatch, dim, 4}, dy = Numbers::random(kBatch, dim, 2, 4);
};

TEST_P(EmbeddingTest, ForwardMatchesDouble) {
  forward(y);
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
    forward(y);
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
      "table", want, [&](const Gradient& g) { backward(y, dy, g); }, 1e-5);
}

TEST_P(EmbeddingTest, RowsThatNoBagNamesHaveNoGradient) {
  Numbers dtable(kUnique, dim);
  forward(y);
  backward(y, dy, {dtable});
  for (size_t d = 0; d < dim; ++d) EXPECT_EQ(dtable.at(kUnique - 1, d), 0.0f);
}

TEST_P(EmbeddingTest, OfEqualRowsTheFirstHasTheGradientOfTheMaximum) {
  if (pooling != Pooling::kMax) GTEST_SKIP() << "only of maxima";
  for (size_t d = 0; d < dim; ++d) table.at(1, d) = table.at(0, d) = table.at(2, d) + 1.0f;
  offsets = {0, 4};
  index = {2, 1, 0, 1};
  Numbers dtable(kUnique, dim), largest(1, dim), done = Numbers::random(1, dim, 9);
  forward(largest);
  backward(largest, done, {dtable});
  for (size_t d = 0; d < dim; ++d) {
    EXPECT_EQ(dtable.at(1, d), done.at(0, d));
    EXPECT_EQ(dtable.at(0, d), 0.0f);
  }
}

TEST_P(EmbeddingTest, AnIndexBeyondTheTableEndsTheProcess) {
  if (ops.name != "cpu")
    GTEST_SKIP() << "a device is given what its model has checked (DeviceModel)";
  index.back() = kUnique;
  EXPECT_DEATH(forward(y), "an index is beyond the table's rows");
}

// Several bags at once, two of them of one table; and a row that occurs often enough to be summed
// in several parts.
TEST_P(EmbeddingTest, BagsSideBySideAreWhatEachIsAlone) {
  RandomStream random(test_seed(), 6);
  constexpr size_t kRows = 300, kBags = 40, kTableRows = 7;
  std::vector<TestVector<uint32_t>> offset_lists(kBags), indices(kBags);
  std::vector<Numbers> tables, gradients, alone;
  for (size_t b = 0; b < kBags; ++b) {
    offset_lists[b] = {0};
    for (size_t r = 0; r < kRows; ++r) {
      for (uint64_t id = random.next_below(3); id > 0; --id)
        indices[b].push_back(static_cast<uint32_t>(
            random.next_below(3) > 0 ? 2 : random.next_below(kTableRows - 1)));
      offset_lists[b].push_back(static_cast<uint32_t>(indices[b].size()));
    }
    tables.push_back(Numbers::random(kTableRows, b < 35 ? dim : dim + 1, 20 + b));
    gradients.emplace_back(kTableRows, b < 35 ? dim : dim + 1);
    alone.emplace_back(kTableRows, b < 35 ? dim : dim + 1);
  }
  size_t columns = 0;
  std::vector<PooledBag> bags;
  std::vector<Gradient> together;
  for (size_t b = 0; b < kBags; ++b) {
    const size_t t = b == 3 ? 1 : b;  // it shares the table of bag 1
    bags.push_back({{offset_lists[b], indices[b], pooling}, tables[t], columns});
    together.push_back({gradients[t], b == 3 ? Write::kAdd : Write::kReplace});
    columns += tables[t].view().cols;
  }
  together[5] = {};  // nobody wants it
  Numbers all(kRows, columns, 3), each(kRows, columns, 3);
  Numbers dall = Numbers::random(kRows, columns, 7, 3);
  ops.pool_forward(bags, all);
  ops.pool_backward(bags, all, dall, together);
  for (size_t b = 0; b < kBags; ++b) {
    const Gradient own = {alone[b == 3 ? 1 : b], together[b].write};
    cpu_ops().pool_forward(std::span(bags).subspan(b, 1), each);
    cpu_ops().pool_backward(std::span(bags).subspan(b, 1), each, dall, std::span(&own, 1));
  }
  expect_near("y", all, to_table(each), 1e-6);
  for (size_t b = 0; b < kBags; ++b)
    if (b != 3 && b != 5) expect_near("a table", gradients[b], to_table(alone[b]), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, EmbeddingTest,
                         testing::Combine(testing::ValuesIn(backends_in_this_build()),
                                          testing::Values(Pooling::kSum, Pooling::kMean,
                                                          Pooling::kMax),
                                          testing::Values(1, 16, 19)));

}  // namespace
}  // namespace cairn::math
