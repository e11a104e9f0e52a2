#include "worker/math/autograd/attention.h"

namespace cairn::math::autograd {

Variable* attention_inputs(Tape& tape, const BagView& bag, Variable* table, Variable* target,
                           size_t rows) {
  Variable* y = tape.result(rows, 4 * table->cols(), {table, target});
  const AttentionInputs in = {bag, table->matrix(), target->matrix()};
  tape.ops().attention_inputs_forward(in, y->matrix());
  tape.record({"attention_inputs", {table, target}, {y}, {}, {&bag, 1}}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    t.ops().attention_inputs_backward(in, dy, {t.gradient_of(table), t.gradient_of(target)});
  });
  return y;
}

Variable* bag_softmax(Tape& tape, const BagView& bag, Variable* scores) {
  Variable* y = tape.result(scores->rows(), 1, {scores});
  tape.ops().bag_softmax_forward(bag, scores->matrix(), y->matrix());
  tape.record({"bag_softmax", {scores}, {y}, {}, {&bag, 1}}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    t.ops().bag_softmax_backward(bag, y->matrix(), dy, t.gradient_of(scores));
  });
  return y;
}

Variable* weighted_pool(Tape& tape, const BagView& bag, Variable* table, Variable* scores) {
  Variable* y = tape.result(bag.offsets.size() - 1, table->cols(), {table, scores});
  const WeightedPoolInputs in = {bag, table->matrix(), scores->matrix()};
  tape.ops().weighted_pool_forward(in, y->matrix());
  tape.record({"weighted_pool", {table, scores}, {y}, {}, {&bag, 1}}, [=](Tape& t) {
    const Matrix dy = t.complete_gradient(y);
    t.ops().weighted_pool_backward(in, dy, {t.gradient_of(table), t.gradient_of(scores)});
  });
  return y;
}

}  // namespace cairn::math::autograd
