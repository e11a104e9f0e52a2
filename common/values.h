// Values of rows between memory and bytes of a ValueType. `bytes` may start at any address;
// nothing overlaps. Thread safety: pure functions.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/value_type.h"

namespace cairn {

// Exact.
void widen(const char* bytes, ValueType type, float* values, size_t count);
// Adds to `sums`.
void widen_and_add(const char* bytes, ValueType type, float* sums, size_t count);

// Rounds to the nearest, ties to even. A value beyond the range becomes infinite; a NaN stays a
// NaN.
void narrow(const float* values, ValueType type, char* bytes, size_t count);

// values[i] becomes one of its two neighbours in bf16, the nearer one more often. The distance to
// the lower neighbour is the probability of rounding up, so that the mean is the value. bits[i]
// holds 16 uniform random bits. A value that is a bf16 stays.
void round_stochastically(float* values, const uint16_t* bits, size_t count);

}  // namespace cairn
