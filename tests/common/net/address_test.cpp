#include "common/net/address.h"

#include <gtest/gtest.h>

namespace cairn {
namespace {

TEST(Address, OnlyLoopbackAddressesAreLoopback) {
  for (const char* address : {"127.0.0.1", "127.1.2.3", "::1", "[::1]", "localhost", "lo"})
    EXPECT_TRUE(is_loopback(address)) << address;
  for (const char* address :
       {"0.0.0.0", "10.0.0.1", "eth0", "::", "128.0.0.1", "", "127.example", "127.0.0"})
    EXPECT_FALSE(is_loopback(address)) << address;
}

TEST(Address, OnlyDigitsAreAnIpAddress) {
  for (const char* address : {"127.0.0.1", "0.0.0.0", "::1", "fe80::1"})
    EXPECT_TRUE(is_ip_address(address)) << address;
  for (const char* address : {"banana", "localhost", "[::1]", "127.0.0", "256.0.0.1", "", "eth0"})
    EXPECT_FALSE(is_ip_address(address)) << address;
}

}  // namespace
}  // namespace cairn
