// Numbers as people read them. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <string>

namespace cairn::training {

std::string with_commas(uint64_t number);  // 1,234,567

// 0:42, 12:05, 3:07:09; "?" for what is not finite, negative, or above 1,000 hours.
std::string duration_text(double seconds);

}  // namespace cairn::training
