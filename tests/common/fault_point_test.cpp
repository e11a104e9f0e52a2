#include "common/fault_point.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

namespace cairn {
namespace {

// Each runs in a process of its own: it ends there.
TEST(FaultPoint, KillsTheProcessAtTheNthPassageOfItsName) {
  EXPECT_EXIT(
      {
        arm_fault_point("log.written:3");
        for (int i = 0; i < 2; ++i) fault_point("log.written");
        fault_point("log.other");
        fault_point("log.writ");
        std::fputs("two\n", stderr);
        fault_point("log.written");
        std::exit(0);
      },
      testing::KilledBySignal(SIGKILL), "two");
}

TEST(FaultPoint, WithoutANumberTheFirstPassageCounts) {
  EXPECT_EXIT(
      {
        arm_fault_point("log.written");
        fault_point("log.written");
        std::exit(0);
      },
      testing::KilledBySignal(SIGKILL), "");
}

TEST(FaultPoint, DoesNothingUnarmed) { fault_point("log.written"); }

}  // namespace
}  // namespace cairn
