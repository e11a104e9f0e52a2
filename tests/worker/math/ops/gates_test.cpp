#include "worker/math/ops/gates.h"

#include <cmath>

#include "tests/worker/math/ops/backends.h"
#include "tests/worker/math/ops/numbers.h"

namespace cairn::math {
namespace {

class GatesTest : public OpsTest {
 protected:
  static constexpr size_t kBatch = 5, kTasks = 2, kExperts = 3, kUnits = 21;

  // The definition, in double: [task][row][unit].
  std::vector<Table> reference() const {
    std::vector<Table> results(kTasks, Table(kBatch, std::vector<double>(kUnits, 0.0)));
    for (size_t r = 0; r < kBatch; ++r) {
      for (size_t t = 0; t < kTasks; ++t) {
        double sum = 0;
        for (size_t e = 0; e < kExperts; ++e) sum += std::exp(exact_logits[r][t * kExperts + e]);
        for (size_t e = 0; e < kExperts; ++e)
          for (size_t u = 0; u < kUnits; ++u)
            results[t][r][u] += std::exp(exact_logits[r][t * kExperts + e]) / sum *
                                exact_experts[r][e * kUnits + u];
      }
    }
    return results;
  }
  double loss() const {
    const std::vector<Table> results = reference();
    double sum = 0;
    for (size_t t = 0; t < kTasks; ++t)
      for (size_t r = 0; r < kBatch; ++r)
        for (size_t u = 0; u < kUnits; ++u) sum += results[t][r][u] * doutputs[t].row(r)[u];
    return sum;
  }

  Numbers logits = Numbers::random(kBatch, kTasks* kExperts, 1);
  Numbers experts = Numbers::random(kBatch, kExperts* kUnits, 2);
  Table exact_logits = to_table(logits), exact_experts = to_table(experts);
  Numbers probabilities{kBatch, kTasks* kExperts};
  Numbers first{kBatch, kUnits}, second{kBatch, kUnits};
  std::vector<Matrix> outputs = {first, second};
  Numbers dfirst = Numbers::random(kBatch, kUnits, 3), dsecond = Numbers::random(kBatch, kUnits, 4);
  std::vector<Matrix> doutputs = {dfirst, dsecond};
};

TEST_P(GatesTest, ForwardMatchesDouble) {
  ops.gates_forward({logits, experts}, probabilities, outputs);
  for (size_t t = 0; t < kTasks; ++t) expect_near("output", outputs[t], reference()[t], 1e-6);
}

TEST_P(GatesTest, BackwardMatchesFiniteDifferences) {
  const auto loss = [this] { return this->loss(); };
  const Table want_logits = numeric_gradient(loss, exact_logits);
  const Table want_experts = numeric_gradient(loss, exact_experts);
  const GateInputs in = {logits, experts};
  ops.gates_forward(in, probabilities, outputs);
  expect_gradient("logits", want_logits, [&](const Gradient& g) {
    ops.gates_backward(in, probabilities, doutputs, {g, {}});
  });
  expect_gradient("experts", want_experts, [&](const Gradient& g) {
    ops.gates_backward(in, probabilities, doutputs, {{}, g});
  });
}

TEST_P(GatesTest, LargeLogitsOverflowNowhere) {
  for (size_t r = 0; r < kBatch; ++r)
    for (size_t i = 0; i < kTasks * kExperts; ++i) logits.at(r, i) = i % kExperts ? -1e4f : 1e4f;
  ops.gates_forward({logits, experts}, probabilities, outputs);
  for (size_t t = 0; t < kTasks; ++t)  // the first expert alone
    expect_near("output", outputs[t], to_table(experts.view().columns(0, kUnits)), 0.0);
}

INSTANTIATE_TEST_SUITE_P(EveryBackend, GatesTest, testing::ValuesIn(backends_in_this_build()),
                         backend_name);

}  // namespace
}  // namespace cairn::math
