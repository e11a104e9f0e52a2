// The types in which numbers of rows are kept and sent. f32 is IEEE 754 binary32. bf16 (bfloat16)
// is the upper half of f32: the same range, 8 bits of precision. Every bf16 is an f32.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cairn {

enum class ValueType : uint8_t { kFloat32 = 0, kBfloat16 = 1 };

constexpr size_t size_of(ValueType type) { return type == ValueType::kFloat32 ? 4 : 2; }

}  // namespace cairn
