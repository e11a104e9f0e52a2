#include "worker/collective/device_choice.h"

#include <gtest/gtest.h>

#include <functional>
#include <thread>

#include "tests/seed.h"
#include "tests/worker/collective/fake_nccl.h"
#include "worker/collective/memory_collective.h"
#include "worker/math/device/host_device.h"

namespace cairn::collective {

namespace {

void on_every_rank(uint32_t ranks, const std::function<void(Collective&)>& body) {
  auto hosts = make_memory_collectives(ranks);
  std::vector<std::jthread> running;
  for (auto& host : hosts) running.emplace_back([&body, host = std::move(host)] { body(*host); });
}

TEST(DeviceChoice, WorkersOnOneDeviceAgree) {
  for (const char* device : {"cpu", "cuda"})
    on_every_rank(3, [=](Collective& host) { EXPECT_TRUE(agree_on_device(host, device).ok()); });
}

TEST(DeviceChoice, MixedDevicesAreRefusedOnEveryRankAlike) {
  on_every_rank(4, [](Collective& host) {
    const Status agreed = agree_on_device(host, host.rank() == 2 ? "cpu" : "cuda");
    ASSERT_FALSE(agreed.ok());
    EXPECT_EQ(agreed.error().code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(
        agreed.error().message,
        "worker 2 computes on 'cpu' and worker 0 on 'cuda': train.device must be the same for "
        "all workers of a job");
  });
}

TEST(DeviceChoice, LocalRanksCountTheLowerRanksOfAHost) {
  const std::vector<std::string> hosts = {"a", "b", "a", "a", "b", "c"};
  const std::vector<uint32_t> expected = {0, 0, 1, 2, 1, 0};
  for (uint32_t rank = 0; rank < hosts.size(); ++rank)
    EXPECT_EQ(local_rank(hosts, rank), expected[rank]) << "rank " << rank;
}

TEST(DeviceChoice, GpusAreDealtToTheRanksOfAHostInTurn) {
  on_every_rank(6, [](Collective& host) {
    const uint32_t rank = host.rank();
    const auto gpu = choose_gpu(host, rank < 4 ? "a" : "b", rank < 4 ? 3 : 8);
    ASSERT_TRUE(gpu.ok());
    EXPECT_EQ(gpu.value(), (std::vector<uint32_t>{0, 1, 2, 0, 0, 1})[rank]);
  });
}

TEST(DeviceChoice, TheHostHasOneNameInAllProcesses) {
  const std::string host = host_of_this_process();
  EXPECT_EQ(host, host_of_this_process());
  EXPECT_GT(host.size(), 30u) << "no boot id";
  EXPECT_EQ(host.find('\n'), std::string::npos);
}

TEST(DeviceChoice, NcclNeedsAGpuForEachRankAndABuildThatHasIt) {
  const std::vector<GpuPlace> apart = {
      {"a", "01:00", true}, {"a", "02:00", true}, {"b", "01:00", true}};
  EXPECT_EQ(why_not_nccl(apart), "");
  std::vector<GpuPlace> shared = apart;
  shared[2].host = "a";
  EXPECT_EQ(why_not_nccl(shared), "worker 0 and worker 2 share GPU 01:00, which NCCL refuses");
  std::vector<GpuPlace> without = apart;
  without[1].has_nccl = false;
  EXPECT_EQ(why_not_nccl(without), "worker 1 has a build without NCCL");
}

// The sums of two ranks on these GPUs; how many NCCL made.
uint64_t sums_by_nccl(const std::vector<std::string>& gpus, bool rank_1_has_nccl = true) {
  FakeNccl nccl(static_cast<uint32_t>(gpus.size()));
  on_every_rank(static_cast<uint32_t>(gpus.size()), [&](Collective& host) {
    math::HostDevice device(math::HostDevice::Order::kAnyOrder, test_seed() + host.rank());
    const bool has_nccl = host.rank() != 1 || rank_1_has_nccl;
    const auto collective = make_gpu_collective(host, device, gpus[host.rank()],
                                                has_nccl ? &nccl.api() : nullptr, NcclOptions{});
    ASSERT_TRUE(collective.ok()) << collective.error().message;
    std::vector<float> values(100, 1.0f);
    ASSERT_TRUE(collective.value()->all_reduce(values, Control{}).ok());
    EXPECT_EQ(values, std::vector<float>(100, static_cast<float>(host.size())));
  });
  return nccl.calls(0).sums;
}

TEST(DeviceChoice, RanksWithAGpuEachSumByNccl) { EXPECT_EQ(sums_by_nccl({"1", "2"}), 1u); }

TEST(DeviceChoice, RanksThatShareAGpuSumOnTheHost) { EXPECT_EQ(sums_by_nccl({"1", "1"}), 0u); }

TEST(DeviceChoice, OneRankWithoutNcclMakesAllSumOnTheHost) {
  EXPECT_EQ(sums_by_nccl({"1", "2"}, /*rank_1_has_nccl=*/false), 0u);
}

TEST(DeviceChoice, ASingleRankNeedsNoNccl) { EXPECT_EQ(sums_by_nccl({"1"}), 0u); }

}  // namespace

}  // namespace cairn::collective
