// The seed of a randomised test: CAIRN_TEST_SEED, or a new one each run. It is printed when the
// program starts, so that a failure can be repeated.
#pragma once

#include <cstdint>

namespace cairn {

uint64_t test_seed();

}  // namespace cairn
