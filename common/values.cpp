#include "common/values.h"

#include <bit>
#include <cstring>

#include "common/simd.h"

namespace cairn {

namespace {

constexpr uint32_t kMagnitude = 0x7FFFFFFF, kInfinity = 0x7F800000, kQuiet = 0x00400000;

CAIRN_SIMD void widen_bf16(const char* __restrict bytes, float* __restrict values, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    uint16_t upper;
    std::memcpy(&upper, bytes + 2 * i, sizeof upper);
    values[i] = std::bit_cast<float>(uint32_t{upper} << 16);
  }
}

CAIRN_SIMD void add_bf16(const char* __restrict bytes, float* __restrict sums, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    uint16_t upper;
    std::memcpy(&upper, bytes + 2 * i, sizeof upper);
    sums[i] += std::bit_cast<float>(uint32_t{upper} << 16);
  }
}

CAIRN_SIMD void add_f32(const char* __restrict bytes, float* __restrict sums, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    float value;
    std::memcpy(&value, bytes + 4 * i, sizeof value);
    sums[i] += value;
  }
}

// Half of what is cut off is added, less one bit where the result is even: ties go to even. A carry
// out of the fraction raises the exponent, as it must; a NaN is told apart, as a carry would end
// it.
CAIRN_SIMD void narrow_bf16(const float* __restrict values, char* __restrict bytes, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const uint32_t bits = std::bit_cast<uint32_t>(values[i]);
    const uint32_t rounded = bits + 0x7FFF + (bits >> 16 & 1);
    const bool is_nan = (bits & kMagnitude) > kInfinity;
    const auto upper = static_cast<uint16_t>((is_nan ? bits | kQuiet : rounded) >> 16);
    std::memcpy(bytes + 2 * i, &upper, sizeof upper);
  }
}

CAIRN_SIMD void add_bits_and_cut(float* __restrict values, const uint16_t* __restrict random,
                                 size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const uint32_t bits = std::bit_cast<uint32_t>(values[i]);
    const bool is_nan = (bits & kMagnitude) > kInfinity;
    const uint32_t rounded = is_nan ? bits | kQuiet : bits + random[i];
    values[i] = std::bit_cast<float>(rounded & 0xFFFF0000u);
  }
}

}  // namespace

void widen(const char* bytes, ValueType type, float* values, size_t count) {
  if (type == ValueType::kBfloat16) return widen_bf16(bytes, values, count);
  std::memcpy(values, bytes, count * sizeof(float));
}

void widen_and_add(const char* bytes, ValueType type, float* sums, size_t count) {
  if (type == ValueType::kBfloat16) return add_bf16(bytes, sums, count);
  add_f32(bytes, sums, count);
}

void narrow(const float* values, ValueType type, char* bytes, size_t count) {
  if (type == ValueType::kBfloat16) return narrow_bf16(values, bytes, count);
  std::memcpy(bytes, values, count * sizeof(float));
}

void round_stochastically(float* values, const uint16_t* bits, size_t count) {
  add_bits_and_cut(values, bits, count);
}

}  // namespace cairn
