#include "worker/math/autograd/tensor_functions.h"

#include <array>

namespace cairn::math::autograd {
namespace {

using Axes = std::array<size_t, kRankMax>;

// As they describe themselves.
constexpr const char* kBinaryNames[] = {"add",     "subtract", "multiply", "divide",    "minimum",
                                        "maximum", "equal",    "less",     "less_equal"};
constexpr const char* kUnaryNames[] = {"negate", "absolute", "exp",    "log",
                                       "sqrt",   "tanh",     "sigmoid"};
constexpr const char* kReductionNames[] = {"sum", "mean", "minimum", "maximum"};

// Formulas of a backward, in the arena of its step.
struct Algebra {
  Arena& arena;

  Tensor constant(double value, DType dtype) const {
    const Tensor made = make_tensor(arena, {}, dtype);
    fill(made, value);
    return made;
  }
  Tensor add(const Tensor& a, const Tensor& b) const { return of(Binary::kAdd, a, b); }
  Tensor subtract(const Tensor& a, const Tensor& b) const { return of(Binary::kSubtract, a, b); }
  Tensor multiply(const Tensor& a, const Tensor& b) const { return of(Binary::kMultiply, a, b); }
  Tensor divide(const Tensor& a, const Tensor& b) const { return of(Binary::kDivide, a, b); }
  Tensor negative(const Tensor& x) const { return math::unary(arena, Unary::kNegate, x); }
  Tensor scaled(const Tensor& x, double factor) const {
    return multiply(x, constant(factor, x.dtype));
  }
  // 1 where a is below b, 1/2 where they are equal, else 0.
  Tensor share_of_lower(const Tensor& a, const Tensor& b) const {
    return scaled(add(of(Binary::kLess, a, b), of(Binary::kLessEqual, a, b)), 0.5);
  }
  Tensor of(Binary operation, const Tensor& a, const Tensor& b) const {
    return math::binary(arena, operation, a, b);
  }
};

// The gradient of what was broadcast from `shape`: summed over what it stood for.
Tensor sum_to(Arena& arena, const Tensor& x, const Shape& shape) {
  const size_t missing = x.rank() - shape.rank();
  Axes axes;
  size_t count = 0;
  for (size_t axis = 0; axis < x.rank(); ++axis)
    if (axis < missing || shape[axis - missing] != x.shape[axis]) axes[count++] = axis;
  if (count == 0) return x;
  return math::reduce(arena, Reduction::kSum, x, std::span(axes).first(count)).reshape(shape);
}

// Adds `part()`, which is of a shape that v was broadcast to and is computed only where v needs it.
template <typename Part>
void add_part(Tape& t, Variable* v, Part part) {
  if (v->needs_gradient) t.add_gradient(v, sum_to(t.arena(), part(), v->value.shape));
}

void binary_backward(Tape& t, Binary operation, Variable* a, Variable* b, const Variable* y,
                     const Tensor& dy) {
  const Algebra is{t.arena()};
  const Tensor &va = a->value, &vb = b->value;
  switch (operation) {
    case Binary::kAdd:
      add_part(t, a, [&] { return dy; });
      add_part(t, b, [&] { return dy; });
      return;
    case Binary::kSubtract:
      add_part(t, a, [&] { return dy; });
      add_part(t, b, [&] { return is.negative(dy); });
      return;
    case Binary::kMultiply:
      add_part(t, a, [&] { return is.multiply(dy, vb); });
      add_part(t, b, [&] { return is.multiply(dy, va); });
      return;
    case Binary::kDivide:  // d(a / b) / db = -y / b
      add_part(t, a, [&] { return is.divide(dy, vb); });
      add_part(t, b, [&] { return is.negative(is.divide(is.multiply(dy, y->value), vb)); });
      return;
    case Binary::kMinimum:
      add_part(t, a, [&] { return is.multiply(dy, is.share_of_lower(va, vb)); });
      add_part(t, b, [&] { return is.multiply(dy, is.share_of_lower(vb, va)); });
      return;
    case Binary::kMaximum:
      add_part(t, a, [&] { return is.multiply(dy, is.share_of_lower(vb, va)); });
      add_part(t, b, [&] { return is.multiply(dy, is.share_of_lower(va, vb)); });
      return;
    case Binary::kEqual:
    case Binary::kLess:
    case Binary::kLessEqual:
      return;
  }
}

bool compares(Binary operation) { return operation >= Binary::kEqual; }

Tensor unary_backward(Arena& arena, Unary operation, const Tensor& x, const Tensor& y,
                      const Tensor& dy) {
  const Algebra is{arena};
  const Tensor zero = is.constant(0, x.dtype), one = is.constant(1, x.dtype);
  switch (operation) {
    case Unary::kNegate:
      return is.negative(dy);
    case Unary::kAbsolute:
      return is.multiply(dy,
                         is.subtract(is.of(Binary::kLess, zero, x), is.of(Binary::kLess, x, zero)));
    case Unary::kExp:
      return is.multiply(dy, y);
    case Unary::kLog:
      return is.divide(dy, x);
    case Unary::kSqrt:
      return is.scaled(is.divide(dy, y), 0.5);
    case Unary::kTanh:
      return is.multiply(dy, is.subtract(one, is.multiply(y, y)));
    case Unary::kSigmoid:
      break;
  }
  return is.multiply(dy, is.multiply(y, is.subtract(one, y)));
}

Tensor reduce_backward(Arena& arena, Reduction operation, const Tensor& x, const Tensor& y,
                       const Tensor& dy, std::span<const size_t> axes) {
  const Algebra is{arena};
  if (operation == Reduction::kSum) return dy.broadcast_to(x.shape);
  if (operation == Reduction::kMean) {
    const auto share = static_cast<double>(y.size()) / static_cast<double>(x.size());
    return is.scaled(dy, share).broadcast_to(x.shape);
  }
  const Tensor extreme = is.of(Binary::kEqual, x, y);
  return is.multiply(extreme, is.divide(dy, math::reduce(arena, Reduction::kSum, extreme, axes)));
}

Tensor transposed(const Tensor& x) {  // its last two axes
  Axes axes;
  for (size_t axis = 0; axis < x.rank(); ++axis) axes[axis] = axis;
  std::swap(axes[x.rank() - 1], axes[x.rank() - 2]);
  return x.transpose(std::span(axes).first(x.rank()));
}

Axes kept(std::span<const size_t> axes) {
  check(axes.size() <= kRankMax, "more axes than a tensor may have");
  Axes copied = {};
  std::copy(axes.begin(), axes.end(), copied.begin());
  return copied;
}

// A setting, and the axes one by one behind it.
class AxisAttributes {
 public:
  explicit AxisAttributes(std::span<const size_t> axes, Attribute setting = {}) {
    if (setting.name != nullptr) all_[count_++] = setting;
    for (const size_t axis : axes) all_[count_++] = {"axis", axis};
  }
  std::span<const Attribute> span() const { return std::span(all_).first(count_); }

 private:
  std::array<Attribute, kRankMax + 1> all_;
  size_t count_ = 0;
};

Tensor row_major_copy(Arena& arena, const Tensor& x) {
  return x.contiguous() ? x : copy_of(arena, x);
}

}  // namespace

Variable* binary(Tape& tape, Binary operation, Variable* a, Variable* b) {
  const Tensor value = math::binary(tape.arena(), operation, a->value, b->value);
  Variable* y = compares(operation) ? tape.constant(value) : tape.result(value, std::array{a, b});
  const Attribute settings[] = {{"kind", kBinaryNames[static_cast<size_t>(operation)]}};
  tape.record({"binary", {a, b}, {y}, settings}, [=](Tape& t) {
    binary_backward(t, operation, a, b, y, t.complete_tensor_gradient(y));
  });
  return y;
}

Variable* unary(Tape& tape, Unary operation, Variable* x) {
  Variable* y = tape.result(math::unary(tape.arena(), operation, x->value), std::array{x});
  const Attribute settings[] = {{"kind", kUnaryNames[static_cast<size_t>(operation)]}};
  tape.record({"unary", {x}, {y}, settings}, [=](Tape& t) {
    const Tensor dy = t.complete_tensor_gradient(y);
    t.add_gradient(x, unary_backward(t.arena(), operation, x->value, y->value, dy));
  });
  return y;
}

Variable* matmul(Tape& tape, Variable* a, Variable* b) {
  Variable* y = tape.result(math::matmul(tape.arena(), a->value, b->value), std::array{a, b});
  tape.record({"matmul", {a, b}, {y}},
              [=](Tape& t) {  // da = dy b^T, db = a^T dy
                const Tensor dy = t.complete_tensor_gradient(y);
                add_part(t, a, [&] { return math::matmul(t.arena(), dy, transposed(b->value)); });
                add_part(t, b, [&] { return math::matmul(t.arena(), transposed(a->value), dy); });
              });
  return y;
}

Variable* reduce(Tape& tape, Reduction operation, Variable* x, std::span<const size_t> axes) {
  Variable* y = tape.result(math::reduce(tape.arena(), operation, x->value, axes), std::array{x});
  const AxisAttributes attributes(axes, {"kind", kReductionNames[static_cast<size_t>(operation)]});
  tape.record({"reduce", {x}, {y}, attributes.span()},
              [=, over = kept(axes), count = axes.size()](Tape& t) {
                const Tensor dy = t.complete_tensor_gradient(y);
                t.add_gradient(x, reduce_backward(t.arena(), operation, x->value, y->value, dy,
                                                  std::span(over).first(count)));
              });
  return y;
}

Variable* reshape(Tape& tape, Variable* x, const Shape& to) {
  Variable* y = tape.result(row_major_copy(tape.arena(), x->value).reshape(to), std::array{x});
  tape.record({"reshape", {x}, {y}}, [=](Tape& t) {
    const Tensor dy = row_major_copy(t.arena(), t.complete_tensor_gradient(y));
    t.add_gradient(x, dy.reshape(x->value.shape));
  });
  return y;
}

Variable* transpose(Tape& tape, Variable* x, std::span<const size_t> axes) {
  Variable* y = tape.result(x->value.transpose(axes), std::array{x});
  Axes back;
  for (size_t axis = 0; axis < axes.size(); ++axis) back[axes[axis]] = axis;
  const AxisAttributes attributes(axes);
  tape.record({"transpose", {x}, {y}, attributes.span()}, [=](Tape& t) {
    const Tensor dy = t.complete_tensor_gradient(y);
    t.add_gradient(x, dy.transpose(std::span(back).first(dy.rank())));
  });
  return y;
}

Variable* slice(Tape& tape, Variable* x, size_t axis, size_t first, size_t count) {
  Variable* y = tape.result(x->value.slice(axis, first, count), std::array{x});
  const Attribute settings[] = {{"axis", axis}, {"first", first}, {"count", count}};
  tape.record({"slice", {x}, {y}, settings}, [=](Tape& t) {
    const Tensor dx = make_tensor(t.arena(), x->value.shape, x->value.dtype);
    fill(dx, 0.0);
    copy(t.complete_tensor_gradient(y), dx.slice(axis, first, count));
    t.add_gradient(x, dx);
  });
  return y;
}

Variable* broadcast_to(Tape& tape, Variable* x, const Shape& to) {
  Variable* y = tape.result(x->value.broadcast_to(to), std::array{x});
  tape.record({"broadcast_to", {x}, {y}}, [=](Tape& t) {
    t.add_gradient(x, sum_to(t.arena(), t.complete_tensor_gradient(y), x->value.shape));
  });
  return y;
}

Variable* cast(Tape& tape, Variable* x, DType to) {
  Variable* y = tape.result(math::cast(tape.arena(), x->value, to), std::array{x});
  const Attribute settings[] = {{"to", name_of(to)}};
  tape.record({"cast", {x}, {y}, settings}, [=](Tape& t) {
    t.add_gradient(x, math::cast(t.arena(), t.complete_tensor_gradient(y), x->value.dtype));
  });
  return y;
}

Variable* concatenate(Tape& tape, std::span<Variable* const> parts, size_t axis) {
  const std::span<Tensor> values = tape.arena().array<Tensor>(parts.size());
  const std::span<Variable*> sources = tape.arena().array<Variable*>(parts.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    values[i] = parts[i]->value;
    sources[i] = parts[i];
  }
  Variable* y = tape.result(math::concatenate(tape.arena(), values, axis), parts);
  const Attribute settings[] = {{"axis", axis}};
  tape.record({"concatenate", parts, {y}, settings}, [=](Tape& t) {
    const Tensor dy = t.complete_tensor_gradient(y);
    size_t first = 0;
    for (Variable* part : sources) {
      const size_t count = part->value.shape[axis];
      t.add_gradient(part, dy.slice(axis, first, count));
      first += count;
    }
  });
  return y;
}

Variable* gather(Tape& tape, Variable* x, const Tensor& index) {
  Variable* y = tape.result(math::gather(tape.arena(), x->value, index), std::array{x});
  tape.record({"gather", {x}, {y}}, [=](Tape& t) {
    const Tensor dx = make_tensor(t.arena(), x->value.shape, x->value.dtype);
    fill(dx, 0.0);
    math::scatter_add(dx, index, t.complete_tensor_gradient(y));
    t.add_gradient(x, dx);
  });
  return y;
}

Variable* scatter_add(Tape& tape, Variable* x, const Tensor& index, Variable* values) {
  const Tensor sum = copy_of(tape.arena(), x->value);
  math::scatter_add(sum, index, values->value);
  Variable* y = tape.result(sum, std::array{x, values});
  tape.record({"scatter_add", {x, values}, {y}}, [=](Tape& t) {
    const Tensor dy = t.complete_tensor_gradient(y);
    t.add_gradient(x, dy);
    if (values->needs_gradient) t.add_gradient(values, math::gather(t.arena(), dy, index));
  });
  return y;
}

}  // namespace cairn::math::autograd
