#include "worker/tensor/tensor_ops.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "common/random.h"

namespace cairn {
namespace {

// ---- elements by type: how one is read and written, and what is computed in

template <typename T>
struct Element {
  using Value = T;
  static T read(const void* at) { return *static_cast<const T*>(at); }
  static void write(void* at, T value) { *static_cast<T*>(at) = value; }
};
template <>
struct Element<Bfloat16> {
  using Value = float;
  static float read(const void* at) {
    return std::bit_cast<float>(uint32_t{static_cast<const Bfloat16*>(at)->bits} << 16);
  }
  // To the nearest, ties to even; a NaN stays one.
  static void write(void* at, float value) {
    const auto bits = std::bit_cast<uint32_t>(value);
    const uint32_t rounded = value != value ? bits | 0x400000 : bits + 0x7fff + (bits >> 16 & 1);
    static_cast<Bfloat16*>(at)->bits = static_cast<uint16_t>(rounded >> 16);
  }
};

template <typename Function>
auto with_element(DType dtype, Function function) {
  switch (dtype) {
    case DType::kF64:
      return function(Element<double>());
    case DType::kBf16:
      return function(Element<Bfloat16>());
    case DType::kI64:
      return function(Element<int64_t>());
    case DType::kF32:
      break;
  }
  return function(Element<float>());
}

void check_one_type(const char* operation, const Tensor& a, const Tensor& b) {
  if (a.dtype == b.dtype) return;
  check(false,
        fmt::format("{}: types {} and {} differ", operation, name_of(a.dtype), name_of(b.dtype)));
}

// ---- places

// Walks over all places of a shape in row-major order, in several tensors of it at once.
template <size_t kTensors>
class Places {
 public:
  Places(const Shape& shape, const std::array<const Tensor*, kTensors>& tensors) : shape_(shape) {
    for (size_t t = 0; t < kTensors; ++t) {
      at_[t] = static_cast<char*>(tensors[t]->data);
      for (size_t axis = 0; axis < shape.rank(); ++axis)
        steps_[t][axis] = tensors[t]->strides[axis] * size_of(tensors[t]->dtype);
    }
  }

  template <typename Function>
  void each(Function function) {
    for (size_t left = shape_.size(); left > 0; --left) {
      function(at_);
      advance();
    }
  }

 private:
  void advance() {
    for (size_t axis = shape_.rank(); axis-- > 0;) {
      const bool carries = ++index_[axis] == shape_[axis];
      for (size_t t = 0; t < kTensors; ++t)
        at_[t] += carries ? -static_cast<ptrdiff_t>((shape_[axis] - 1) * steps_[t][axis])
                          : static_cast<ptrdiff_t>(steps_[t][axis]);
      if (!carries) return;
      index_[axis] = 0;
    }
  }

  Shape shape_;
  std::array<char*, kTensors> at_ = {};
  std::array<Strides, kTensors> steps_ = {};  // in bytes
  std::array<size_t, kRankMax> index_ = {};
};

template <typename T>
T compute(Binary operation, T a, T b) {
  switch (operation) {
    case Binary::kAdd:
      return a + b;
    case Binary::kSubtract:
      return a - b;
    case Binary::kMultiply:
      return a * b;
    case Binary::kDivide:
      if constexpr (std::is_integral_v<T>) check(b != 0, "divide: an integer by zero");
      return a / b;
    case Binary::kMinimum:
      return std::min(a, b);
    case Binary::kMaximum:
      return std::max(a, b);
    case Binary::kEqual:
      return a == b;
    case Binary::kLess:
      return a < b;
    case Binary::kLessEqual:
      break;
  }
  return a <= b;
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

void copy_to(const Tensor& from, const Tensor& to) {
  const size_t bytes = size_of(from.dtype);
  Places<2>(to.shape, {&from, &to}).each([bytes](const auto& at) {
    std::memcpy(at[1], at[0], bytes);
  });
}

}  // namespace

Tensor make_tensor(Arena& arena, const Shape& shape, DType dtype) {
  return {arena.allocate(shape.size() * size_of(dtype)), shape, dtype};
}

Tensor copy_of(Arena& arena, const Tensor& x) {
  const Tensor y = make_tensor(arena, x.shape, x.dtype);
  copy_to(x, y);
  return y;
}

Tensor cast(Arena& arena, const Tensor& x, DType to) {
  const Tensor y = make_tensor(arena, x.shape, to);
  with_element(x.dtype, [&](auto from) {
    with_element(to, [&](auto into) {
      using Into = decltype(into);
      Places<2>(x.shape, {&x, &y}).each([](const auto& at) {
        Into::write(at[1], static_cast<typename Into::Value>(decltype(from)::read(at[0])));
      });
    });
  });
  return y;
}

void fill(const Tensor& x, double value) {
  with_element(x.dtype, [&](auto element) {
    using E = decltype(element);
    Places<1>(x.shape, {&x}).each([value](const auto& at) {
      E::write(at[0], static_cast<typename E::Value>(value));
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
      E::write(at[0], static_cast<typename E::Value>(low + (high - low) * unit));
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
    // In double where elements are floating; each result begun before any is added to.
    using Sum = std::conditional_t<std::is_integral_v<Value>, int64_t, double>;
    const Tensor sums_of = {arena.allocate(kept.size() * sizeof(Sum)), kept,
                            std::is_integral_v<Value> ? DType::kI64 : DType::kF64};
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
      sum = sums                               ? sum + value
            : operation == Reduction::kMaximum ? std::max(sum, value)
                                               : std::min(sum, value);
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
    copy_to(each, y.slice(axis, first, each.shape[axis]));
    first += each.shape[axis];
  }
  return y;
}

Tensor gather(Arena& arena, const Tensor& x, const Tensor& index) {
  check_index("gather", x, index);
  Shape shape = x.shape;
  shape[0] = index.shape[0];
  const Tensor y = make_tensor(arena, shape, x.dtype);
  for (size_t i = 0; i < shape[0]; ++i) copy_to(part(x, index, i), y.slice(0, i, 1));
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

}  // namespace cairn
