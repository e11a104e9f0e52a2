#include "worker/math/tensor/tensor_ops.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

#include "common/random.h"
#include "worker/math/tensor/elements.h"

namespace cairn::math {
namespace {

void check_one_type(const char* operation, const Tensor& a, const Tensor& b) {
  if (a.dtype == b.dtype) return;
  check(false,
        fmt::format("{}: types {} and {} differ", operation, name_of(a.dtype), name_of(b.dtype)));
}

// The type that elements are summed in.
template <typename Value>
using SumOf = std::conditional_t<std::is_integral_v<Value>, int64_t, double>;

// A number that the type cannot hold becomes its lowest one, as in NumPy on x86.
template <typename To, typename From>
To convert(From x) {
  if constexpr (std::is_integral_v<To> && std::is_floating_point_v<From>)
    if (!(x >= From{-0x1p63} && x < From{0x1p63})) return std::numeric_limits<To>::lowest();
  return static_cast<To>(x);
}

// NaN wins over any number, as in NumPy and PyTorch.
template <typename T>
T lower(T a, T b) {
  return a < b || a != a ? a : b;
}
template <typename T>
T higher(T a, T b) {
  return a > b || a != a ? a : b;
}

// Integers wrap around.
template <typename T>
using Wrapping =
    std::conditional_t<std::is_integral_v<T>, std::make_unsigned<T>, std::type_identity<T>>::type;

template <typename T>
T compute(Binary operation, T a, T b) {
  using Wide = Wrapping<T>;
  const auto x = static_cast<Wide>(a), y = static_cast<Wide>(b);
  switch (operation) {
    case Binary::kAdd:
      return static_cast<T>(x + y);
    case Binary::kSubtract:
      return static_cast<T>(x - y);
    case Binary::kMultiply:
      return static_cast<T>(x * y);
    case Binary::kDivide:
      if constexpr (std::is_integral_v<T>) {
        check(b != 0, "divide: an integer by zero");
        if (b == -1) return static_cast<T>(-x);
      }
      return a / b;
    case Binary::kMinimum:
      return lower(a, b);
    case Binary::kMaximum:
      return higher(a, b);
    case Binary::kEqual:
      return a == b;
    case Binary::kLess:
      return a < b;
    case Binary::kLessEqual:
      break;
  }
  return a <= b;
}

template <typename T>
T compute(Unary operation, T x) {
  const T negated = static_cast<T>(-static_cast<Wrapping<T>>(x));
  if (operation == Unary::kNegate) return negated;
  if (operation == Unary::kAbsolute)
    return std::is_integral_v<T> ? (x < 0 ? negated : x) : std::abs(x);
  check(!std::is_integral_v<T>, "exp, log, sqrt, tanh or sigmoid of i64");
  if constexpr (!std::is_integral_v<T>) {
    if (operation == Unary::kExp) return std::exp(x);
    if (operation == Unary::kLog) return std::log(x);
    if (operation == Unary::kSqrt) return std::sqrt(x);
    if (operation == Unary::kTanh) return std::tanh(x);
  }
  return T{1} / (T{1} + static_cast<T>(std::exp(-x)));  // kSigmoid
}

// The axes before the last two.
Shape without_matrix(const Shape& shape) {
  Shape before;
  for (size_t axis = 0; axis + 2 < shape.rank(); ++axis) before.append(shape[axis]);
  return before;
}

constexpr const char* kBinaryNames[] = {"add",     "subtract", "multiply", "divide",    "minimum",
                                        "maximum", "equal",    "less",     "less equal"};

// Part `index[i]` of x along its first axis.
Tensor part(const Tensor& x, const Tensor& index, size_t i) {
  const int64_t at = static_cast<const int64_t*>(index.data)[i * index.strides[0]];
  check(at >= 0 && static_cast<size_t>(at) < x.shape[0],
        fmt::format("index {} beyond the first axis of {}", at, x.shape.text()));
  return x.slice(0, static_cast<size_t>(at), 1);
}

void check_index(const char* operation, const Tensor& x, const Tensor& index) {
  check(index.dtype == DType::kI64, fmt::format("{}: the index is not i64", operation));
  if (index.rank() != 1 || x.rank() == 0) shapes_differ(operation, x.shape, index.shape);
}

}  // namespace

Tensor make_tensor(Arena& arena, const Shape& shape, DType dtype) {
  size_t bytes = 0;
  check(!__builtin_mul_overflow(shape.size(), size_of(dtype), &bytes),
        fmt::format("a tensor {} is too large", shape.text()));
  return {arena.allocate(bytes), shape, dtype};
}

void copy(const Tensor& from, const Tensor& to) {
  check_one_type("copy", from, to);
  if (from.shape != to.shape) shapes_differ("copy", from.shape, to.shape);
  const size_t bytes = size_of(from.dtype);
  Places<2>(to.shape, {&from, &to}).each([bytes](const auto& at) {
    std::memcpy(at[1], at[0], bytes);
  });
}

Tensor copy_of(Arena& arena, const Tensor& x) {
  const Tensor y = make_tensor(arena, x.shape, x.dtype);
  copy(x, y);
  return y;
}

Tensor cast(Arena& arena, const Tensor& x, DType to) {
  const Tensor y = make_tensor(arena, x.shape, to);
  with_element(x.dtype, [&](auto from) {
    with_element(to, [&](auto into) {
      using Into = decltype(into);
      Places<2>(x.shape, {&x, &y}).each([](const auto& at) {
        Into::write(at[1], convert<typename Into::Value>(decltype(from)::read(at[0])));
      });
    });
  });
  return y;
}

void fill(const Tensor& x, double value) {
  with_element(x.dtype, [&](auto element) {
    using E = decltype(element);
    Places<1>(x.shape, {&x}).each([value](const auto& at) {
      E::write(at[0], convert<typename E::Value>(value));
    });
  });
}

void fill_uniform(const Tensor& x, uint64_t seed, uint64_t stream, double low, double high) {
  with_element(x.dtype, [&](auto element) {
    using E = decltype(element);
    uint64_t number = 0;
    Places<1>(x.shape, {&x}).each([&](const auto& at) {
      const PhiloxBlock block = philox(seed, stream, number++);
      const uint64_t bits = uint64_t{block[0]} << 32 | block[1];
      const double unit = static_cast<double>(bits >> 11) * 0x1p-53;
      E::write(at[0], convert<typename E::Value>(low + (high - low) * unit));
    });
  });
}

Tensor binary(Arena& arena, Binary operation, const Tensor& a, const Tensor& b) {
  const char* name = kBinaryNames[static_cast<size_t>(operation)];
  check_one_type(name, a, b);
  const Tensor y = make_tensor(arena, broadcast(a.shape, b.shape, name), a.dtype);
  const Tensor wide_a = a.broadcast_to(y.shape), wide_b = b.broadcast_to(y.shape);
  with_element(a.dtype, [&](auto element) {
    using E = decltype(element);
    Places<3>(y.shape, {&wide_a, &wide_b, &y}).each([operation](const auto& at) {
      E::write(at[2], compute<typename E::Value>(operation, E::read(at[0]), E::read(at[1])));
    });
  });
  return y;
}

Tensor unary(Arena& arena, Unary operation, const Tensor& x) {
  const Tensor y = make_tensor(arena, x.shape, x.dtype);
  with_element(x.dtype, [&](auto element) {
    using E = decltype(element);
    Places<2>(x.shape, {&x, &y}).each([operation](const auto& at) {
      E::write(at[1], compute(operation, E::read(at[0])));
    });
  });
  return y;
}

Tensor matmul(Arena& arena, const Tensor& a, const Tensor& b) {
  check_one_type("matmul", a, b);
  const size_t ra = a.rank(), rb = b.rank();
  if (ra < 2 || rb < 2 || a.shape[ra - 1] != b.shape[rb - 2])
    shapes_differ("matmul", a.shape, b.shape);
  Shape shape = broadcast(without_matrix(a.shape), without_matrix(b.shape), "matmul");
  const size_t batch_axes = shape.rank();
  const auto spread = [&](const Tensor& x) {
    Shape to = shape;
    for (const size_t axis : {x.rank() - 2, x.rank() - 1}) to.append(x.shape[axis]);
    return x.broadcast_to(to);
  };
  // At the place [..., i, j] of the result stand the beginnings of row i and of column j.
  Tensor rows = spread(a), columns = spread(b);
  const size_t steps = a.shape[ra - 1], element_bytes = size_of(a.dtype);
  const size_t row_step = rows.strides[batch_axes + 1] * element_bytes;
  const size_t column_step = columns.strides[batch_axes] * element_bytes;
  rows.strides[batch_axes + 1] = 0;
  columns.strides[batch_axes] = 0;
  shape.append(a.shape[ra - 2]);
  shape.append(b.shape[rb - 1]);
  const Tensor y = make_tensor(arena, shape, a.dtype);
  with_element(a.dtype, [&](auto element) {
    using E = decltype(element);
    using Value = typename E::Value;
    using Sum = SumOf<Value>;
    Places<3>(shape, {&rows, &columns, &y}).each([&](const auto& at) {
      Sum sum = 0;
      for (size_t k = 0; k < steps; ++k)
        sum = compute(Binary::kAdd, sum,
                      compute(Binary::kMultiply, Sum{E::read(at[0] + k * row_step)},
                              Sum{E::read(at[1] + k * column_step)}));
      E::write(at[2], static_cast<Value>(sum));
    });
  });
  return y;
}

Tensor reduce(Arena& arena, Reduction operation, const Tensor& x, std::span<const size_t> axes) {
  Shape kept = x.shape;
  size_t count = 1;
  for (const size_t axis : axes) {
    check(axis < x.rank(), fmt::format("reduce: axis {} of {}", axis, x.shape.text()));
    count *= kept[axis];
    kept[axis] = 1;
  }
  const bool sums = operation == Reduction::kSum || operation == Reduction::kMean;
  check(operation == Reduction::kSum || count > 0,
        fmt::format("reduce: a mean or extreme of no elements of {}", x.shape.text()));
  const Tensor y = make_tensor(arena, kept, x.dtype);
  with_element(x.dtype, [&](auto element) {
    using E = decltype(element);
    using Value = typename E::Value;
    using Limits = std::numeric_limits<Value>;
    using Sum = SumOf<Value>;
    // Each result begun before any is added to.
    const Tensor sums_of =
        make_tensor(arena, kept, std::is_integral_v<Value> ? DType::kI64 : DType::kF64);
    const Value lowest = Limits::has_infinity ? -Limits::infinity() : Limits::lowest();
    const Value highest = Limits::has_infinity ? Limits::infinity() : Limits::max();
    const auto start = static_cast<Sum>(sums                               ? Value{0}
                                        : operation == Reduction::kMaximum ? lowest
                                                                           : highest);
    std::fill_n(static_cast<Sum*>(sums_of.data), kept.size(), start);
    const Tensor spread = sums_of.broadcast_to(x.shape);
    Places<2>(x.shape, {&x, &spread}).each([&](const auto& at) {
      const auto value = static_cast<Sum>(E::read(at[0]));
      Sum& sum = *reinterpret_cast<Sum*>(at[1]);
      sum = compute(sums                               ? Binary::kAdd
                    : operation == Reduction::kMaximum ? Binary::kMaximum
                                                       : Binary::kMinimum,
                    sum, value);
    });
    Places<2>(kept, {&sums_of, &y}).each([&](const auto& at) {
      Sum sum = *reinterpret_cast<const Sum*>(at[0]);
      if (operation == Reduction::kMean) sum /= static_cast<Sum>(count);
      E::write(at[1], static_cast<Value>(sum));
    });
  });
  return y;
}

Tensor concatenate(Arena& arena, std::span<const Tensor> parts, size_t axis) {
  check(!parts.empty() && axis < parts[0].rank(), "concatenate: no such axis");
  Shape all = parts[0].shape;
  all[axis] = 0;
  for (const Tensor& each : parts) {
    check_one_type("concatenate", parts[0], each);
    Shape beside = each.shape;
    if (each.rank() == parts[0].rank()) beside[axis] = parts[0].shape[axis];
    if (beside != parts[0].shape) shapes_differ("concatenate", parts[0].shape, each.shape);
    all[axis] += each.shape[axis];
  }
  const Tensor y = make_tensor(arena, all, parts[0].dtype);
  size_t first = 0;
  for (const Tensor& each : parts) {
    copy(each, y.slice(axis, first, each.shape[axis]));
    first += each.shape[axis];
  }
  return y;
}

Tensor gather(Arena& arena, const Tensor& x, const Tensor& index) {
  check_index("gather", x, index);
  Shape shape = x.shape;
  shape[0] = index.shape[0];
  const Tensor y = make_tensor(arena, shape, x.dtype);
  for (size_t i = 0; i < shape[0]; ++i) copy(part(x, index, i), y.slice(0, i, 1));
  return y;
}

void scatter_add(const Tensor& x, const Tensor& index, const Tensor& values) {
  check_index("scatter add", x, index);
  check_one_type("scatter add", x, values);
  Shape wanted = x.shape;
  wanted[0] = index.shape[0];
  if (values.shape != wanted) shapes_differ("scatter add", x.shape, values.shape);
  with_element(x.dtype, [&](auto element) {
    using E = decltype(element);
    for (size_t i = 0; i < wanted[0]; ++i) {
      const Tensor into = part(x, index, i), from = values.slice(0, i, 1);
      Places<2>(into.shape, {&into, &from}).each([](const auto& at) {
        E::write(at[0], E::read(at[0]) + E::read(at[1]));
      });
    }
  });
}

}  // namespace cairn::math
