#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "common/random.h"
#include "launcher/placement.h"
#include "tests/seed.h"

namespace cairn {

namespace {

std::vector<launcher::Role> placed(const std::vector<std::string>& hosts, uint32_t servers,
                                   uint32_t workers) {
  auto roles = launcher::place(hosts, servers, workers);
  EXPECT_TRUE(roles.ok()) << roles.error().message;
  return std::move(roles).value();
}

TEST(Placement, RankZeroIsWorkerZeroAndServersAreLastOnOneHost) {
  const auto roles = placed({"a", "a", "a", "a"}, 2, 2);
  EXPECT_EQ(roles, (std::vector<launcher::Role>{{false, 0}, {false, 1}, {true, 0}, {true, 1}}));
}

TEST(Placement, EveryHostGetsAServerBeforeOneGetsTwo) {
  const auto roles = placed({"a", "a", "a", "b", "b", "b"}, 2, 4);
  EXPECT_EQ(roles, (std::vector<launcher::Role>{
                       {false, 0}, {false, 1}, {true, 0}, {false, 2}, {false, 3}, {true, 1}}));
}

TEST(Placement, HostsMayTakeTurns) {
  const auto roles = placed({"a", "b", "a", "b"}, 2, 2);
  EXPECT_EQ(roles, (std::vector<launcher::Role>{{false, 0}, {false, 1}, {true, 0}, {true, 1}}));
}

TEST(Placement, AHostOfRankZeroAloneStaysAWorkers) {
  const auto roles = placed({"a", "b", "b"}, 2, 1);
  EXPECT_EQ(roles, (std::vector<launcher::Role>{{false, 0}, {true, 0}, {true, 1}}));
}

TEST(Placement, AnyHostsGiveEveryRoleOnceAndServersEvenly) {
  RandomStream random(test_seed(), 1);
  for (int round = 0; round < 300; ++round) {
    const auto workers = static_cast<uint32_t>(1 + random.next_below(8));
    const auto servers = static_cast<uint32_t>(random.next_below(8));
    const uint64_t host_count = 1 + random.next_below(4);
    std::vector<std::string> hosts;
    for (uint32_t r = 0; r < servers + workers; ++r)
      hosts.push_back("host" + std::to_string(random.next_below(host_count)));
    const auto roles = placed(hosts, servers, workers);

    EXPECT_EQ(roles[0], (launcher::Role{false, 0}));
    uint32_t next[2] = {0, 0};
    std::map<std::string, uint32_t> servers_of, room_of;
    for (size_t r = 0; r < roles.size(); ++r) {
      EXPECT_EQ(roles[r].index, next[roles[r].is_server]++);
      servers_of[hosts[r]] += roles[r].is_server;
      room_of[hosts[r]] += r != 0 && !roles[r].is_server;  // could have been one more server
      EXPECT_EQ(launcher::servers_beside(hosts, roles, static_cast<uint32_t>(r)), [&] {
        uint32_t beside = 0;
        for (size_t o = 0; o < roles.size(); ++o)
          beside += roles[o].is_server && hosts[o] == hosts[r];
        return beside;
      }());
    }
    EXPECT_EQ(next[1], servers);
    EXPECT_EQ(next[0], workers);
    for (const auto& [many, count] : servers_of)
      for (const auto& [few, room] : room_of)
        EXPECT_LE(count, room > 0 ? servers_of[few] + 1 : count) << many << " and " << few;
  }
}

TEST(Placement, AnotherNumberOfRanksIsRefusedWithTheRightOne) {
  for (const size_t ranks : {1u, 3u, 5u}) {
    const auto roles = launcher::place(std::vector<std::string>(ranks, "a"), 2, 2);
    ASSERT_FALSE(roles.ok());
    EXPECT_EQ(roles.error().code, ErrorCode::kInvalidArgument);
    EXPECT_THAT(roles.error().message, testing::HasSubstr("4 processes (2 servers and 2 workers)"));
    EXPECT_THAT(roles.error().message, testing::HasSubstr("started " + std::to_string(ranks)));
    EXPECT_THAT(roles.error().message, testing::HasSubstr("mpirun -np 4 cairn"));
  }
}

}  // namespace

}  // namespace cairn
