// A server process whose disk is full, or whose store another one has open: it
// says so with the file's name, and nothing acknowledged is lost.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <memory>

#include "tests/chaos/chaos_workers.h"
#include "tests/chaos/victim.h"
#include "tests/common/temporary_folder.h"
#include "tests/seed.h"

namespace cairn {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

// No flush comes, so the log alone is written to.
const std::vector<std::string> kLogAlone = {"log_bytes_max=1073741824", "hot_bytes=67108864"};
// A flush writes a thousand rows and more at once, into a file larger than a segment of 64 KiB.
const std::vector<std::string> kLargeRuns = {"log_bytes_max=4194304", "hot_bytes=67108864"};
constexpr int kLoadsMax = 500;

class DiskTest : public testing::Test {
 protected:
  std::unique_ptr<Victim> start(VictimOptions options) {
    options.state = state_;
    if (options.endpoint.empty()) options.endpoint = endpoint_;
    options.errors = folder_.path() / "errors";
    return std::make_unique<Victim>(options);
  }
  void load() {
    if (!checkpoints_.empty()) std::filesystem::create_directories(checkpoints_);
    workers_.load_for(milliseconds{20}, checkpoints_);
  }
  // `before_each` load.
  void load_until_it_ends(
      Victim& victim, const std::function<void()>& before_each = [] {}) {
    workers_.let_the_shard_fail();
    for (int i = 0; i < kLoadsMax && !victim.has_ended() && !HasFatalFailure(); ++i) {
      before_each();
      load();
    }
    ASSERT_TRUE(victim.has_ended()) << "the disk never filled";
    EXPECT_EQ(victim.exit_code(), 1);
    workers_.disconnect();
  }
  std::string errors() const {
    std::ifstream file(folder_.path() / "errors");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void expect_recovered(const std::vector<std::string>& settings) {
    const uint64_t acknowledged = workers_.acknowledged_pushes();
    EXPECT_GT(acknowledged, 0u);
    const auto victim = start({.recover = true, .settings = settings});
    ASSERT_TRUE(victim->wait_until_ready()) << errors();
    workers_.connect();
    workers_.expect_nothing_lost(folder_.path() / "checkpoint");
  }

  TemporaryFolder folder_;
  std::filesystem::path state_ = folder_.path() / "state";
  std::filesystem::path checkpoints_ = folder_.path() / "checkpoints";
  const std::string endpoint_ = "ipc://" + (folder_.path() / "socket").string();
  ChaosWorkers workers_{test_seed(), endpoint_};
};

TEST_F(DiskTest, ALogThatCannotGrowEndsTheServerAndLosesNothing) {
  checkpoints_.clear();  // each writes a run of rows, which the limit may meet first
  const auto victim = start({.settings = kLogAlone});
  ASSERT_TRUE(victim->wait_until_ready()) << errors();
  workers_.connect();
  load();
  victim->limit_files(32 << 10);  // of the segment that is written to as well
  load_until_it_ends(*victim);
  EXPECT_THAT(errors(), testing::ContainsRegex("cannot write .*/log/log-0+: File too large"));
  expect_recovered(kLogAlone);
}

TEST_F(DiskTest, ARunThatCannotBeWrittenEndsTheServerAndLosesNothing) {
  const auto victim = start({.settings = kLargeRuns, .file_bytes = 80 << 10});
  ASSERT_TRUE(victim->wait_until_ready()) << errors();
  workers_.connect();
  load_until_it_ends(*victim);
  EXPECT_THAT(errors(), HasSubstr("store/incoming/run.sst"));
  EXPECT_THAT(errors(), HasSubstr("File too large"));
  expect_recovered(kLargeRuns);
}

TEST_F(DiskTest, AFullFileSystemEndsTheServerAndLosesNothing) {
  std::filesystem::create_directories(state_);
  if (mount("cairn-test", state_.c_str(), "tmpfs", 0, "size=16m") != 0)
    GTEST_SKIP() << "only root mounts file systems";
  {
    const auto victim = start({});
    ASSERT_TRUE(victim->wait_until_ready()) << errors();
    workers_.connect();
    load();
    std::ofstream ballast(state_ / "ballast", std::ios::binary);
    const std::string bytes(4 << 10, 'x');
    load_until_it_ends(*victim, [&] {  // takes what the shard gives back as well
      while (ballast.write(bytes.data(), static_cast<std::streamsize>(bytes.size())).flush()) {
      }
      ballast.clear();
    });
    EXPECT_THAT(errors(), HasSubstr(state_.string()));
    EXPECT_THAT(errors(), HasSubstr("No space left on device"));
  }
  std::filesystem::remove(state_ / "ballast");
  expect_recovered({});
  EXPECT_EQ(umount2(state_.c_str(), MNT_DETACH), 0);
}

TEST_F(DiskTest, AStoreThatIsOpenIsRefusedToASecondServerAndTheFirstGoesOn) {
  const auto first = start({});
  ASSERT_TRUE(first->wait_until_ready()) << errors();
  workers_.connect();
  load();
  for (const bool recover : {true, false}) {
    const auto second = start({.endpoint = endpoint_ + "-2", .recover = recover});
    ASSERT_FALSE(second->wait_until_ready());
    EXPECT_EQ(second->exit_code(), 1);
    EXPECT_THAT(errors(), HasSubstr((state_ / "").string()));
    EXPECT_THAT(errors(), HasSubstr(recover ? "another process has it open" : "already holds"));
    const uint64_t acknowledged = workers_.acknowledged_pushes();
    for (int i = 0; i < kLoadsMax && workers_.acknowledged_pushes() == acknowledged; ++i) load();
    EXPECT_GT(workers_.acknowledged_pushes(), acknowledged);
  }
  EXPECT_FALSE(first->has_ended());
  first->kill();
  workers_.disconnect();
  expect_recovered({});
}

}  // namespace
}  // namespace cairn
