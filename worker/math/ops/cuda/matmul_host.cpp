// The products of a HostDevice.
#include <bit>
#include <vector>

#include "worker/math/ops/cpu/cpu.h"
#include "worker/math/ops/cuda/matmul.h"

namespace cairn::math::CAIRN_KERNELS {
namespace {

// A rounded factor as float32, in which its products are exact: not every host multiplies bf16.
class Widened {
 public:
  explicit Widened(const Factor& factor)
      : numbers_(factor.stored_rows * factor.stored_cols),
        transposed_(factor.transposed),
        rows_(factor.stored_rows),
        cols_(factor.stored_cols) {
    const auto* from = static_cast<const Bfloat16*>(factor.data);
    for (size_t r = 0; r < rows_; ++r)
      for (size_t c = 0; c < cols_; ++c)
        numbers_[r * cols_ + c] =
            std::bit_cast<float>(uint32_t{from[r * factor.row_stride + c].bits} << 16);
  }
  Factor factor() const {
    const Factor stored = ConstMatrix(numbers_.data(), rows_, cols_);
    return transposed_ ? transpose(stored) : stored;
  }

 private:
  std::vector<float> numbers_;
  bool transposed_;
  size_t rows_, cols_;
};

void multiply(Factor a, Factor b, ConstMatrix bias, Activation activation, const Gradient& c) {
  if (bias.empty())
    cpu::matmul(a, b, c);
  else
    cpu::matmul_bias(a, b, bias, activation, c.into);
}

}  // namespace

void product(Factor a, Factor b, ConstMatrix bias, Activation activation, const Gradient& c) {
  run([=] {
    if (a.dtype == DType::kF32) return multiply(a, b, bias, activation, c);
    const Widened first(a), second(b);
    multiply(first.factor(), second.factor(), bias, activation, c);
  });
}

// The CPU has no TF32: its products are of float32.
Tf32Scope::Tf32Scope() : before_(false) {}
Tf32Scope::~Tf32Scope() { (void)before_; }

}  // namespace cairn::math::CAIRN_KERNELS
