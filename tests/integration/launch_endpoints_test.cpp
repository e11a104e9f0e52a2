#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launcher/endpoints.h"

namespace cairn {

namespace {

using testing::HasSubstr;

std::string pattern(const PsConfig& ps, bool one_host) {
  const auto made = launcher::endpoint_pattern(ps, one_host, 0x0123456789abcdefull);
  return made.ok() ? made.value() : made.error().message;
}

TEST(Endpoints, AutoIsIpcOnOneHostAndTcpBetweenHosts) {
  PsConfig ps;
  EXPECT_EQ(pattern(ps, true), "ipc:///tmp/cairn-0123456789abcdef/shard-{shard}");
  ps.address = "10.0.0.1";
  ps.allow_insecure = true;
  EXPECT_EQ(pattern(ps, false), "tcp://10.0.0.1:*");
}

TEST(Endpoints, AnIpcPathIsShortEnoughForASocket) {
  EXPECT_LE(pattern(PsConfig{}, true).size() + 5, 107u);
}

TEST(Endpoints, IpcBetweenHostsIsRefused) {
  PsConfig ps;
  ps.transport = "ipc";
  EXPECT_THAT(pattern(ps, false), HasSubstr("on several hosts"));
}

TEST(Endpoints, LoopbackBetweenHostsIsRefused) {
  EXPECT_THAT(pattern(PsConfig{}, false), HasSubstr("127.0.0.1"));
}

TEST(Endpoints, AnAddressOffLoopbackNeedsAllowInsecure) {
  PsConfig ps;
  ps.transport = "tcp";
  EXPECT_EQ(pattern(ps, true), "tcp://127.0.0.1:*");
  for (const char* address : {"0.0.0.0", "10.1.2.3", "eth0", "[::]"}) {
    ps.address = address;
    ps.allow_insecure = false;
    EXPECT_THAT(pattern(ps, true), HasSubstr("allow_insecure")) << address;
    ps.allow_insecure = true;
    EXPECT_EQ(pattern(ps, true), std::string("tcp://") + address + ":*");
  }
}

TEST(Endpoints, AnUnspecifiedAddressIsReachedByTheHostsName) {
  EXPECT_EQ(launcher::reachable(Endpoint("tcp://0.0.0.0:4711"), "node7"),
            Endpoint("tcp://node7:4711"));
  EXPECT_EQ(launcher::reachable(Endpoint("tcp://[::]:4711"), "node7"),
            Endpoint("tcp://node7:4711"));
  EXPECT_EQ(launcher::reachable(Endpoint("tcp://10.0.0.1:4711"), "node7"),
            Endpoint("tcp://10.0.0.1:4711"));
  EXPECT_EQ(launcher::reachable(Endpoint("ipc:///tmp/x"), "node7"), Endpoint("ipc:///tmp/x"));
}

TEST(Endpoints, ScrapeAddressesNameAHostThatPrometheusReaches) {
  MetricsConfig metrics;
  EXPECT_EQ(launcher::scrape_address(metrics, "node7", 9401), "127.0.0.1:9401");
  metrics.address = "0.0.0.0";
  EXPECT_EQ(launcher::scrape_address(metrics, "node7", 9401), "node7:9401");
  metrics.address = "::1";
  EXPECT_EQ(launcher::scrape_address(metrics, "node7", 9401), "[::1]:9401");
}

}  // namespace

}  // namespace cairn
