#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <random>

#include "tests/seed.h"

namespace cairn {

uint64_t test_seed() {
  static const uint64_t seed = [] {
    const char* given = std::getenv("CAIRN_TEST_SEED");
    return given ? std::strtoull(given, nullptr, 0) : uint64_t{std::random_device{}()};
  }();
  return seed;
}

}  // namespace cairn

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::printf("CAIRN_TEST_SEED=%llu\n", static_cast<unsigned long long>(cairn::test_seed()));
  return RUN_ALL_TESTS();
}
