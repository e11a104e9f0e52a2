#include "worker/math/ops/matmul.h"

#include "tests/worker/math/ops/backends.h"
#include "tests/worker/math/ops/numbers.h"

namespace cairn::math {
namespace {

class MatmulTest : public OpsTest {};

Table product(const Table& a, bool a_transposed, const Table& b, bool b_transposed) {
  const auto at = [](const Table& t, bool transposed, size_t r, size_t c) {
    return transposed ? t[c][r] : t[r][c];
  };
  const size_t m = a_transposed ? a[0].size() : a.size(), k = a_transposed ? a.size() : a[0].size();
  const size_t n = b_transposed ? b.size() : b[0].size();
  Table c(m, std::vector<double>(n, 0.0));
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < n; ++j)
      for (size_t l = 0; l < k; ++l)
        c[i][j] += at(a, a_transposed, i, l) * at(b, b_transposed, l, j);
  return c;
}

TEST_P(MatmulTest, ProductsOfAllShapesMatchDouble) {
  constexpr size_t kShapes[][3] = {{5, 7, 3}, {64, 33, 129}, {1, 9, 4},    {9, 1, 40},
                                   {9, 4, 1}, {1, 1, 5},     {40, 16, 16}, {3, 200, 17}};
  for (const auto& [m, n, k] : kShapes) {
    for (int form = 0; form < 8; ++form) {
      const bool ta = form & 1, tb = form & 2;
      const size_t gap = form & 4 ? 5 : 0;
      Numbers a = Numbers::random(ta ? k : m, ta ? m : k, 1, gap);
      Numbers b = Numbers::random(tb ? n : k, tb ? k : n, 2, gap);
      const Factor fa = ta ? transpose(a.view()) : Factor(a.view());
      const Factor fb = tb ? transpose(b.view()) : Factor(b.view());
      expect_gradient("product " + std::to_string(m) + " " + std::to_string(n) + " " +
                          std::to_string(k) + " form " + std::to_string(form),
                      product(to_table(a), ta, to_table(b), tb),
                      [&](const Gradient& c) { ops.matmul(fa, fb, c); });
    }
  }
}

TEST_P(MatmulTest, AnEmptySumIsZero) {
  Numbers a(3, 0), b(0, 4), c(3, 4);
  ops.matmul(a.view(), b.view(), {c});
  expect_near("c", c, Table(3, std::vector<double>(4, 0.0)));
}

TEST_P(MatmulTest, ShapesThatDisagreeEndTheProcess) {
  Numbers a(3, 2), b(3, 4), c(3, 4);
  EXPECT_DEATH(ops.matmul(a.view(), b.view(), {c}), "matmul: shapes differ");
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, MatmulTest, testing::ValuesIn(backends_in_this_build()),
                         backend_name);

}  // namespace
}  // namespace cairn::math
