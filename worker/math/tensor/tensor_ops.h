// Operations on tensors of any rank: straightforward loops, for tools, tests and work that is done
// once. The operations of a training step stand in worker/math/ops/.
//
// Results are row-major in the arena. Operands have one type, and are computed in it (bf16 in f32,
// rounded at the end). Shapes broadcast as NumPy's do. Shapes or types that do not fit end the
// process with a message that names both.
#pragma once

#include <span>

#include "worker/math/tensor/arena.h"
#include "worker/math/tensor/tensor.h"

namespace cairn::math {

Tensor make_tensor(Arena& arena, const Shape& shape, DType dtype);  // its content is unspecified
Tensor copy_of(Arena& arena, const Tensor& x);
void copy(const Tensor& from, const Tensor& to);       // both have one shape and type
Tensor cast(Arena& arena, const Tensor& x, DType to);  // to i64: cut off towards zero

void fill(const Tensor& x, double value);
// Uniform in [low, high), drawn by (seed, stream, element) alone.
void fill_uniform(const Tensor& x, uint64_t seed, uint64_t stream, double low, double high);

// i64 has only the first two.
enum class Unary : uint8_t { kNegate, kAbsolute, kExp, kLog, kSqrt, kTanh, kSigmoid };
Tensor unary(Arena& arena, Unary operation, const Tensor& x);

// Comparisons give 1 and 0. Division of i64 is towards zero; by zero it ends the process.
enum class Binary : uint8_t {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kMinimum,
  kMaximum,
  kEqual,
  kLess,
  kLessEqual
};
Tensor binary(Arena& arena, Binary operation, const Tensor& a, const Tensor& b);

// [..., m, k] and [..., k, n] to [..., m, n]; the axes before broadcast. Summed in double.
Tensor matmul(Arena& arena, const Tensor& a, const Tensor& b);

// Reduces over `axes`, which stay as sizes of 1. A mean or extreme of nothing ends the process.
enum class Reduction : uint8_t { kSum, kMean, kMinimum, kMaximum };
Tensor reduce(Arena& arena, Reduction operation, const Tensor& x, std::span<const size_t> axes);

// The parts have one shape except along `axis`.
Tensor concatenate(Arena& arena, std::span<const Tensor> parts, size_t axis);

// Takes parts of `x` along its first axis: index [n] of i64 to [n, ...]. An index beyond the axis
// ends the process.
Tensor gather(Arena& arena, const Tensor& x, const Tensor& index);
// x[index[i], ...] += values[i, ...], in the order of i.
void scatter_add(const Tensor& x, const Tensor& index, const Tensor& values);

}  // namespace cairn::math
