#include "common/metrics/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <thread>

#include "tests/common/temporary_folder.h"

namespace cairn {
namespace {

using testing::HasSubstr;

const std::vector<std::string> kTasks = {"click", "conversion"};

TEST(Metrics, HandlesShowUpUnderTheirLabels) {
  Metrics metrics("1.2.3");
  metrics.server().shard(3).pull_rows.Increment(5);
  metrics.server().shard(3).refused(RefusalReason::kIncarnation).Increment();
  metrics.server().shard(4).hot_tier_bytes.Set(4096);
  metrics.worker(1, kTasks).train_samples.Increment(10);
  metrics.worker(1, kTasks).retries(RetryReason::kNewServerRun).Increment();
  metrics.worker(1, kTasks).tasks.back().evaluation_auc.Set(0.75);

  const std::string text = metrics.exposition();
  EXPECT_THAT(text, HasSubstr("cairn_build_info{version=\"1.2.3\"} 1"));
  EXPECT_THAT(text, HasSubstr("cairn_pull_rows_total{shard=\"3\"} 5"));
  EXPECT_THAT(text,
              HasSubstr("cairn_messages_refused_total{reason=\"incarnation\",shard=\"3\"} 1"));
  EXPECT_THAT(text, HasSubstr("cairn_messages_refused_total{reason=\"malformed\",shard=\"4\"} 0"));
  EXPECT_THAT(text, HasSubstr("cairn_hot_tier_bytes{shard=\"4\"} 4096"));
  EXPECT_THAT(text, HasSubstr("cairn_train_samples_total{worker=\"1\"} 10"));
  EXPECT_THAT(text, HasSubstr("cairn_retries_total{reason=\"new_boot\",worker=\"1\"} 1"));
  EXPECT_THAT(text, HasSubstr("cairn_evaluation_auc{task=\"conversion\",worker=\"1\"} 0.75"));
  EXPECT_THAT(text, HasSubstr("cairn_evaluation_auc{task=\"click\",worker=\"1\"} Nan"));
}

TEST(Metrics, AMetricWithANewNameIsShownUnderItsOldOneToo) {
  Metrics metrics("1");
  metrics.worker(2, kTasks).bad_samples.Increment(3);
  const std::string text = metrics.exposition();
  EXPECT_THAT(text, HasSubstr("cairn_bad_samples_total{worker=\"2\"} 3"));
  EXPECT_THAT(text, HasSubstr("cairn_bad_rows_total{worker=\"2\"} 3"));
  EXPECT_THAT(text, HasSubstr("HELP cairn_bad_rows_total Deprecated"));
}

TEST(Metrics, LatencyFallsInItsBucket) {
  Metrics metrics("1");
  metrics.server().shard(0).pull_duration_seconds.Observe(0.0004);
  const std::string text = metrics.exposition();
  EXPECT_THAT(text, HasSubstr("cairn_pull_duration_seconds_bucket{shard=\"0\",le=\"0.0002\"} 0"));
  EXPECT_THAT(text, HasSubstr("cairn_pull_duration_seconds_bucket{shard=\"0\",le=\"0.0005\"} 1"));
  EXPECT_THAT(text, HasSubstr("cairn_pull_duration_seconds_count{shard=\"0\"} 1"));
}

TEST(Metrics, ManyThreadsLoseNoIncrement) {
  Metrics metrics("1");
  constexpr int kThreads = 4, kEach = 2000;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&] {
      for (int n = 0; n < kEach; ++n) {
        metrics.server().shard(0).push_rows.Increment();
        metrics.server().shard(0).push_duration_seconds.Observe(0.001);
        if (n % 500 == 0) (void)metrics.exposition();
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(metrics.server().shard(0).push_rows.Value(), kThreads * kEach);
  EXPECT_THAT(metrics.exposition(),
              HasSubstr("cairn_push_duration_seconds_count{shard=\"0\"} 8000"));
}

// Where `./dev` unpacks it, else on the PATH; empty if there is none.
std::string promtool() {
  const std::string unpacked = CAIRN_SOURCE_DIR "/build/tools/usr/bin/promtool";
  if (::access(unpacked.c_str(), X_OK) == 0) return "'" + unpacked + "'";
  if (std::system("command -v promtool >/dev/null 2>&1") == 0) return "promtool";
  return "";
}

TEST(Metrics, PromtoolFindsNothingToObjectTo) {
  const std::string program = promtool();
  if (program.empty()) GTEST_SKIP() << "promtool is not installed (./dev test unpacks it)";
  Metrics metrics("1.2.3");
  for (uint32_t i = 0; i < 2; ++i) {
    metrics.server().shard(i).pull_duration_seconds.Observe(0.001);
    metrics.worker(i, kTasks).pull_wait_seconds.Observe(0.001);
  }
  const TemporaryFolder folder;
  const auto exposition = folder.path() / "exposition", said = folder.path() / "said";
  std::ofstream(exposition) << metrics.exposition();
  const std::string command =
      program + " check metrics <'" + exposition.string() + "' >'" + said.string() + "' 2>&1";
  const int status = std::system(command.c_str());
  std::string complaint;
  std::getline(std::ifstream(said), complaint, '\0');
  EXPECT_EQ(status, 0) << complaint;
  EXPECT_EQ(complaint, "");
}

}  // namespace
}  // namespace cairn
