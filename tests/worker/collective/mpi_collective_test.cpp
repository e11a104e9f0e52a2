// Run by mpirun; every rank runs every test. See tests/worker/collective_tests.cmake.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/seed.h"
#include "tests/worker/collective/collective_contract.h"
#include "worker/collective/mpi_world.h"

namespace cairn::collective {

namespace {

std::unique_ptr<MpiWorld> world;  // of this process, from SetUp to TearDown

class WithMpi : public testing::Environment {
  void SetUp() override {
    auto started = MpiWorld::init();
    ASSERT_TRUE(started.ok()) << started.error().message;
    world = std::move(started).value();
  }
  void TearDown() override { world.reset(); }
};
const auto* const environment = testing::AddGlobalTestEnvironment(new WithMpi);

uint64_t seed_of_rank_0(Collective& collective) {
  const auto seeds = collective.all_gather(std::to_string(test_seed()));
  check(seeds.ok(), "the ranks cannot agree on a seed");
  return std::strtoull(seeds.value()[0].c_str(), nullptr, 10);
}

CollectiveKind all_processes() {
  return {"AllProcesses", [](const auto& body) {
            const auto collective = world->everyone();
            body(*collective, seed_of_rank_0(*collective));
          }};
}

// Without world rank 0, as the workers' communicator is without the servers.
CollectiveKind some_processes() {
  return {"SomeProcesses", [](const auto& body) {
            const bool member = world->everyone()->rank() != 0;
            const auto collective = world->members_only(member);
            ASSERT_EQ(collective != nullptr, member);
            if (member) body(*collective, seed_of_rank_0(*collective));
          }};
}

INSTANTIATE_TEST_SUITE_P(Mpi, CollectiveContract,
                         testing::Values(all_processes(), some_processes()),
                         [](const auto& test) { return test.param.name; });

TEST(MpiWorld, WasStartedByMpirun) { EXPECT_TRUE(MpiWorld::started_by_mpirun()); }

TEST(MpiWorld, CallsBackWhileARankWaits) {
  const auto second = world->everyone();
  int calls = 0;
  // The others come to `first` only after `second`, which rank 0 enters only when called back.
  const auto first = world->everyone([&] {
    if (calls++ > 0) return;
    EXPECT_TRUE(second->all_gather("").ok());
  });
  if (first->rank() != 0) {
    calls = 1;
    ASSERT_TRUE(second->all_gather("").ok());
  }
  ASSERT_TRUE(first->all_gather("").ok());
  EXPECT_GE(calls, 1);
}

}  // namespace

}  // namespace cairn::collective
