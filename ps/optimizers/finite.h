// Whether numbers can be trained on. Thread safety: pure function.
#pragma once

#include <span>

namespace cairn::ps {

// True if none is a NaN or infinite. A row whose gradient is not all finite is left untouched.
bool all_finite(std::span<const float> values);

}  // namespace cairn::ps
