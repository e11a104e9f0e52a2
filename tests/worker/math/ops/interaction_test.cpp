#include "worker/math/ops/interaction.h"

#include "tests/worker/math/ops/backends.h"
#include "tests/worker/math/ops/numbers.h"

namespace cairn::math {
namespace {

// Each operation is a polynomial of its inputs, at most quadratic in one of them: central
// differences carry no truncation error, and a large step keeps float32 rounding small. What the
// forward is stands in the tests as its definition, in double.
class InteractionTest : public OpsTest {
 protected:
  static constexpr size_t kBatch = 5, kDim = 19, kFields = 4;
  static constexpr float kStep = 0.25f;

  double at(Numbers& m, size_t r, size_t c) { return m.at(r, c); }

  Numbers x0 = Numbers::random(kBatch, kDim, 1, 2), x = Numbers::random(kBatch, kDim, 2, 1);
  Numbers mixed = Numbers::random(kBatch, kDim, 3);
  Numbers weight = Numbers::random(1, kDim, 4), bias = Numbers::random(1, kDim, 5);
  Numbers fields = Numbers::random(kBatch, kFields* kDim, 6, 3);
  Numbers y{kBatch, kDim, 2}, dy = Numbers::random(kBatch, kDim, 7, 1), sums{kBatch, kDim};
};

TEST_P(InteractionTest, Combine) {
  const CombineInputs in = {x0, mixed, x};
  const auto loss = [&] {
    ops.combine_forward(in, y);
    return dot(y, dy);
  };
  const Table dx0 = numeric_gradient(loss, x0, kStep), dx = numeric_gradient(loss, x, kStep);
  const Table dmixed = numeric_gradient(loss, mixed, kStep);
  loss();
  Table want = to_table(y);
  for (size_t r = 0; r < kBatch; ++r)
    for (size_t i = 0; i < kDim; ++i) want[r][i] = at(x0, r, i) * mixed.at(r, i) + x.at(r, i);
  expect_near("y", y, want, 1e-6);
  expect_gradient("x0", dx0, [&](const Gradient& g) { ops.combine_backward(in, dy, {g, {}, {}}); });
  expect_gradient("mixed", dmixed, [&](const Gradient& g) {
    ops.combine_backward(in, dy, {{}, g, {}});
  });
  expect_gradient("x", dx, [&](const Gradient& g) { ops.combine_backward(in, dy, {{}, {}, g}); });
}

TEST_P(InteractionTest, VectorCross) {
  const VectorCrossInputs in = {x0, x, weight, bias};
  const auto loss = [&] {
    ops.vector_cross_forward(in, y);
    return dot(y, dy);
  };
  const Table dx0 = numeric_gradient(loss, x0, kStep), dx = numeric_gradient(loss, x, kStep);
  const Table dw = numeric_gradient(loss, weight, kStep), db = numeric_gradient(loss, bias, kStep);
  loss();
  Table want = to_table(y);
  for (size_t r = 0; r < kBatch; ++r) {
    double s = 0;
    for (size_t i = 0; i < kDim; ++i) s += at(x, r, i) * weight.at(0, i);
    for (size_t i = 0; i < kDim; ++i) want[r][i] = x0.at(r, i) * s + bias.at(0, i) + x.at(r, i);
  }
  expect_near("y", y, want, 1e-6);
  const auto backward = [&](const VectorCrossGradients& out) {
    ops.vector_cross_backward(in, dy, out);
  };
  expect_gradient("x0", dx0, [&](const Gradient& g) { backward({g, {}, {}, {}}); });
  expect_gradient("x", dx, [&](const Gradient& g) { backward({{}, g, {}, {}}); });
  expect_gradient("weight", dw, [&](const Gradient& g) { backward({{}, {}, g, {}}); });
  expect_gradient("bias", db, [&](const Gradient& g) { backward({{}, {}, {}, g}); });
}

TEST_P(InteractionTest, InputsThatAreOneMatrixAddTheirGradients) {
  const VectorCrossInputs in = {x, x, weight, bias};
  const auto loss = [&] {
    ops.vector_cross_forward(in, y);
    return dot(y, dy);
  };
  const Table dx = numeric_gradient(loss, x, kStep);
  expect_gradient("x", dx, [&](const Gradient& g) {
    ops.vector_cross_backward(in, dy, {g, {g.into, Write::kAdd}, {}, {}});
  });
}

TEST_P(InteractionTest, Pairs) {
  const auto loss = [&] {
    ops.pairs_forward(fields, sums, y);
    return dot(y, dy);
  };
  const Table want_dx = numeric_gradient(loss, fields, kStep);
  loss();
  Table want(kBatch, std::vector<double>(kDim, 0.0));
  for (size_t r = 0; r < kBatch; ++r)
    for (size_t f = 0; f < kFields; ++f)
      for (size_t g = 0; g < f; ++g)
        for (size_t i = 0; i < kDim; ++i)
          want[r][i] += at(fields, r, f * kDim + i) * fields.at(r, g * kDim + i);
  expect_near("y", y, want, 1e-6);
  expect_gradient("x", want_dx,
                  [&](const Gradient& g) { ops.pairs_backward(fields, sums, dy, g); });
}

TEST_P(InteractionTest, Dots) {
  constexpr size_t kPairs = kFields * (kFields - 1) / 2;
  Numbers products(kBatch, kPairs, 1), dproducts = Numbers::random(kBatch, kPairs, 8, 2);
  const auto loss = [&] {
    ops.dots_forward(fields, kDim, products);
    return dot(products, dproducts);
  };
  const Table want_dx = numeric_gradient(loss, fields, kStep);
  loss();
  Table want(kBatch);
  for (size_t r = 0; r < kBatch; ++r) {
    for (size_t f = 0; f < kFields; ++f) {
      for (size_t g = 0; g < f; ++g) {
        double sum = 0;
        for (size_t i = 0; i < kDim; ++i)
          sum += at(fields, r, f * kDim + i) * fields.at(r, g * kDim + i);
        want[r].push_back(sum);
      }
    }
  }
  expect_near("y", products, want, 1e-6);
  expect_gradient("x", want_dx,
                  [&](const Gradient& g) { ops.dots_backward(fields, kDim, dproducts, g); });
}

TEST_P(InteractionTest, NumberFields) {
  Numbers numbers = Numbers::random(kBatch, 3, 9, 1), vectors = Numbers::random(3, kDim, 10, 2);
  Numbers wide(kBatch, 3 * kDim, 1), dwide = Numbers::random(kBatch, 3 * kDim, 11);
  const auto loss = [&] {
    ops.number_fields_forward(numbers, vectors, wide);
    return dot(wide, dwide);
  };
  const Table want_dv = numeric_gradient(loss, vectors, kStep);
  loss();
  Table want = to_table(wide);
  for (size_t r = 0; r < kBatch; ++r)
    for (size_t i = 0; i < 3 * kDim; ++i)
      want[r][i] = at(numbers, r, i / kDim) * vectors.at(i / kDim, i % kDim);
  expect_near("y", wide, want, 1e-6);
  expect_gradient("vectors", want_dv,
                  [&](const Gradient& g) { ops.number_fields_backward(numbers, dwide, g); });
}

TEST_P(InteractionTest, SumGroups) {
  const auto loss = [&] {
    ops.sum_groups_forward(fields, y);
    return dot(y, dy);
  };
  const Table want_dx = numeric_gradient(loss, fields, kStep);
  loss();
  Table want(kBatch, std::vector<double>(kDim, 0.0));
  for (size_t r = 0; r < kBatch; ++r)
    for (size_t i = 0; i < kFields * kDim; ++i) want[r][i % kDim] += fields.at(r, i);
  expect_near("y", y, want, 1e-6);
  expect_gradient("x", want_dx, [&](const Gradient& g) { ops.sum_groups_backward(dy, g); });
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, InteractionTest, testing::ValuesIn(backends_in_this_build()),
                         backend_name);

}  // namespace
}  // namespace cairn::math
