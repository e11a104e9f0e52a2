#include "worker/math/ops/ops.h"

#include <gmock/gmock.h>
#include <omp.h>

#include <thread>

#include "tests/worker/math/ops/backends.h"
#include "tests/worker/math/ops/numbers.h"

namespace cairn::math {
namespace {

class CopyTest : public OpsTest {};

TEST_P(CopyTest, CopyReplacesOrAdds) {
  Numbers x = Numbers::random(4, 21, 1, 2);
  expect_gradient(
      "y", to_table(x), [&](const Gradient& y) { ops.copy(x, y); }, 1e-7);
}

TEST_P(CopyTest, ZeroKeepsToItsMatrix) {
  Numbers y(3, 5, 2);
  ops.zero(y);
  expect_near("y", y, Table(3, std::vector<double>(5, 0.0)), 0.0);
  EXPECT_TRUE(y.gaps_untouched());
}

TEST_P(CopyTest, MovesRowsWithinAMatrix) {
  Numbers y = Numbers::random(6, 5, 1, 2);
  Table want = to_table(y);
  want[5] = want[1];
  want[0] = want[1];
  want[2] = want[4];
  const TestVector<RowMove> moves = {{1, 5}, {1, 0}, {4, 2}};
  ops.move_rows(moves, y);
  expect_near("y", y, want, 0.0);
  EXPECT_TRUE(y.gaps_untouched());
  ops.move_rows({}, y);
  expect_near("y", y, want, 0.0);
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, CopyTest, testing::ValuesIn(backends_in_this_build()),
                         backend_name);

TEST(OpsOfDevice, KnowsItsNames) {
  EXPECT_EQ(ops_of_device("cpu").value(), &cpu_ops());
  EXPECT_EQ(ops_of_device("tpu").error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(ops_of_device("tpu").error().message, "device: unknown 'tpu'; known: cpu, cuda");
}

TEST(OpsOfDevice, CudaThatIsNotThereIsUnavailable) {
  const Result<const Ops*> cuda = ops_of_device("cuda");
  if (cuda.ok()) GTEST_SKIP() << "this machine has a GPU";
  EXPECT_EQ(cuda.error().code, ErrorCode::kUnavailable);
  EXPECT_THAT(cuda.error().message,
              testing::AnyOf("device: cuda is not in this build", "no CUDA device found"));
}

TEST(MathThreads, AreOneUnlessTheThreadItselfAsksForMore) {
  Numbers a = Numbers::random(8, 8, 1), c(8, 8);
  set_math_threads(2);
  cpu_ops().matmul(a.view(), a.view(), {c});
  EXPECT_EQ(omp_get_max_threads(), 2);
  std::thread([&] {
    Numbers own(8, 8);
    EXPECT_EQ(math_threads(), 1);
    cpu_ops().matmul(a.view(), a.view(), {own});
    EXPECT_EQ(omp_get_max_threads(), 1);
  }).join();
  set_math_threads(1);
}

}  // namespace
}  // namespace cairn::math
