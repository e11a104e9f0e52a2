#include "worker/collective/staged_collective.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/seed.h"
#include "tests/worker/collective/collective_contract.h"
#include "worker/collective/memory_collective.h"
#include "worker/math/device/host_device.h"

namespace cairn::collective {

namespace {

using Order = math::HostDevice::Order;

// Every rank is a thread with a device of its own; a rank that returns early leaves.
void on_every_rank(uint32_t ranks, Order order,
                   const std::function<void(Collective&, math::HostDevice&)>& body) {
  auto hosts = make_memory_collectives(ranks);
  std::vector<std::jthread> running;
  for (uint32_t rank = 0; rank < ranks; ++rank)
    running.emplace_back([&body, order, rank, host = std::move(hosts[rank])] {
      math::HostDevice device(order, test_seed() + rank);
      const auto staged = make_staged_collective(*host, device);
      body(*staged, device);
    });
}

CollectiveKind staged(uint32_t ranks, Order order) {
  return {std::to_string(ranks) + (order == Order::kAtOnce ? "AtOnce" : "InAnyOrder"),
          [ranks, order](const auto& body) {
            on_every_rank(ranks, order, [&](Collective& collective, math::HostDevice&) {
              body(collective, test_seed());
              (void)collective.all_gather("all are done").ok();  // nobody leaves before
            });
          }};
}

INSTANTIATE_TEST_SUITE_P(Staged, CollectiveContract,
                         testing::Values(staged(1, Order::kAnyOrder), staged(2, Order::kAtOnce),
                                         staged(3, Order::kAnyOrder), staged(4, Order::kAtOnce)),
                         [](const auto& test) { return test.param.name; });

TEST(StagedCollective, SumsWhatTheDeviceWasGivenBefore) {
  on_every_rank(3, Order::kAnyOrder, [](Collective& collective, math::HostDevice& device) {
    std::vector<float> values(1000), seen(1000);
    for (int round = 0; round < 20; ++round) {
      const float mine = static_cast<float>(round + 10 * collective.rank());
      device.run([&values, mine] { std::fill(values.begin(), values.end(), mine); });
      collective.start(std::span(values).last(500));
      ASSERT_TRUE(collective.all_reduce(values, Control{}).ok());
      device.read(seen.data(), values.data(), 1000 * sizeof(float));
      ASSERT_EQ(seen, std::vector<float>(1000, static_cast<float>(3 * round + 30)));
    }
  });
}

TEST(StagedCollective, KeepsItsStagingForSumsThatAreNotLongerAndGivesItBack) {
  auto hosts = make_memory_collectives(2);
  const auto sums = [&](uint32_t rank) {
    math::HostDevice device(Order::kAtOnce);
    auto collective = make_staged_collective(*hosts[rank], device);
    std::vector<float> values(1000);
    for (const size_t count : {10u, 1000u, 10u, 1000u, 0u})
      ASSERT_TRUE(collective->all_reduce(std::span(values).first(count), Control{}).ok());
    EXPECT_EQ(device.allocations(), 2u);
    collective.reset();
    EXPECT_EQ(device.allocated_bytes(), 0u);
  };
  std::jthread other(sums, 1);
  sums(0);
}

// Memory that must not be touched.
class Untouched final : public math::Memory {
 public:
  void* allocate(size_t) override { return touched(); }
  void free(void*, size_t) override { touched(); }
  void read(void*, const void*, size_t) override { touched(); }
  void write(void*, const void*, size_t) override { touched(); }
  bool is_host() const override { return false; }
  void* allocate_staging(size_t) override { return touched(); }
  void free_staging(void*, size_t) override { touched(); }

 private:
  static void* touched() {
    ADD_FAILURE() << "the memory is touched";
    return nullptr;
  }
};

TEST(StagedCollective, ASingleRankCopiesNothing) {
  auto hosts = make_memory_collectives(1);
  Untouched memory;
  const auto collective = make_staged_collective(*hosts[0], memory);
  // On a device, this would be no address of the host's.
  float* const nowhere = reinterpret_cast<float*>(uintptr_t{4096});
  Control mine;
  mine.next_samples = 7;
  const auto controls = collective->all_reduce({nowhere, 100}, mine);
  ASSERT_TRUE(controls.ok());
  EXPECT_EQ(controls.value()[0].next_samples, 7u);
}

TEST(StagedCollective, ARankThatLeavesLeavesTheValuesAsTheyWere) {
  auto hosts = make_memory_collectives(2);
  hosts[1].reset();
  math::HostDevice device(Order::kAtOnce);
  const auto collective = make_staged_collective(*hosts[0], device);
  std::vector<float> values(10, 1.5f);
  const auto controls = collective->all_reduce(values, Control{});
  ASSERT_FALSE(controls.ok());
  EXPECT_EQ(controls.error().code, ErrorCode::kUnavailable);
  EXPECT_EQ(values, std::vector<float>(10, 1.5f));
  EXPECT_TRUE(collective->lost());
}

}  // namespace

}  // namespace cairn::collective
