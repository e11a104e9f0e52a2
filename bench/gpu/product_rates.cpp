#include "bench/gpu/product_rates.h"

#include <algorithm>
#include <tuple>

#include "bench/gpu/timing.h"

namespace cairn::gpu {
namespace {

// In elements, from row to row.
size_t stride(size_t cols, size_t bytes) {
  const size_t unit = math::Arena::kAlignment / bytes;
  return (cols + unit - 1) / unit * unit;
}

// The most that any matrix of these products takes, with either size of a number.
size_t most(std::span<const step::Product> products) {
  size_t most = 0;
  const auto take = [&](size_t rows, size_t cols) {
    const size_t bytes = sizeof(math::Bfloat16);  // whose rows are padded most, in elements
    most = std::max({most, rows * stride(cols, bytes), cols * stride(rows, bytes)});
  };
  for (const step::Product& p : products) {
    take(p.m, p.k);
    take(p.k, p.n);
    take(p.m, p.n);
  }
  return most;
}

auto fields(const step::Product& p) {
  return std::tuple(p.m, p.n, p.k, p.a_transposed, p.b_transposed);
}

}  // namespace

ProductRates::ProductRates(const Machine& machine, std::span<const step::Product> largest)
    : machine_(machine),
      half_(most(largest)),
      factors_(machine.device, noise(2 * half_)),
      rounded_(machine.device, 2 * half_),
      result_(machine.device, half_) {
  const size_t cols = math::Arena::kAlignment, rows = 2 * half_ / cols;
  machine.plain.round(math::ConstMatrix(factors_.span().data(), rows, cols),
                      math::RoundedMatrix(rounded_.span().data(), rows, cols));
}

math::Factor ProductRates::factor(size_t rows, size_t cols, bool transposed, size_t half,
                                  Precision precision) {
  if (transposed) return math::transpose(factor(cols, rows, false, half, precision));
  if (precision == Precision::kBf16)
    return math::ConstRoundedMatrix(rounded_.span().data() + half * half_, rows, cols,
                                    stride(cols, sizeof(math::Bfloat16)));
  return math::ConstMatrix(factors_.span().data() + half * half_, rows, cols,
                           stride(cols, sizeof(float)));
}

double ProductRates::seconds(const step::Product& p, Precision precision) {
  for (const Rate& rate : rates_)
    if (fields(rate.product) == fields(p) && rate.precision == precision) return rate.seconds;
  const math::Factor a = factor(p.m, p.k, p.a_transposed, 0, precision);
  const math::Factor b = factor(p.k, p.n, p.b_transposed, 1, precision);
  const math::Matrix c(result_.span().data(), p.m, p.n, stride(p.n, sizeof(float)));
  const math::Ops& ops = machine_.ops(precision);
  const double seconds = device_seconds(machine_.device, [&] { ops.matmul(a, b, {c}); });
  rates_.push_back({p, precision, seconds});
  return seconds;
}

double ProductRates::Rate::flops() const {
  const auto of = [](size_t n) { return static_cast<double>(n); };
  return 2.0 * of(product.m) * of(product.n) * of(product.k) / seconds;
}

}  // namespace cairn::gpu
