// The keeper of a server process, with shell scripts in that process's place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "launcher/keeper.h"

namespace cairn {

namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

class KeeperTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "cairn-keeper-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  // `script` reads its orders from descriptor 3 and answers on 4.
  std::unique_ptr<Keeper> start(const std::string& script, const std::string& orders = "orders") {
    auto keeper = Keeper::start(
        {"server 7 (shard 7)", {"/bin/sh", "-c", script}, orders, folder / "logs/server-7.log"});
    EXPECT_TRUE(keeper.ok()) << keeper.error().message;
    return std::move(keeper).value();
  }

  // The message of its end, which must come.
  static std::string end_of(Keeper& keeper) {
    for (;;) {
      const Status status = keeper.watch();
      if (!status.ok()) return status.error().message;
      std::this_thread::yield();
    }
  }

  std::filesystem::path folder;
};

TEST_F(KeeperTest, OrdersGoInTheAnswerComesBackAndTheEndOfOrdersEndsIt) {
  const auto keeper = start("read orders <&3; echo \"got $orders\" >&4; cat <&3 >/dev/null");
  const auto answer = keeper->wait_until_ready(60s);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer.value(), "got orders");
  EXPECT_TRUE(keeper->watch().ok());
  const Status finished = keeper->finish(60s);
  EXPECT_TRUE(finished.ok()) << finished.error().message;
}

TEST_F(KeeperTest, OrdersMayBeLongerThanAPipe) {
  const auto keeper = start("read orders <&3; echo ${#orders} >&4", std::string(1'000'000, 'x'));
  const auto answer = keeper->wait_until_ready(60s);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer.value(), "1000000");
}

TEST_F(KeeperTest, AnExitIsToldWithItsCodeAndTheLogsLastLines) {
  const auto keeper = start("echo up >&4; for i in $(seq 100); do echo line $i; done; exit 3");
  ASSERT_TRUE(keeper->wait_until_ready(60s).ok());
  const std::string message = end_of(*keeper);
  EXPECT_THAT(message, AllOf(HasSubstr("server 7 (shard 7)"), HasSubstr("exit code 3"),
                             HasSubstr((folder / "logs/server-7.log").string()),
                             HasSubstr("line 91\n"), HasSubstr("line 100")));
  EXPECT_THAT(message, testing::Not(HasSubstr("line 90\n")));
  EXPECT_EQ(end_of(*keeper), message);  // it stays ended
}

TEST_F(KeeperTest, ASignalIsToldByName) {
  const auto keeper = start("echo up >&4; kill -SEGV $$");
  ASSERT_TRUE(keeper->wait_until_ready(60s).ok());
  EXPECT_THAT(end_of(*keeper), AllOf(HasSubstr("signal 11"), HasSubstr("Segmentation fault")));
}

TEST_F(KeeperTest, AnEndBeforeTheAnswerIsToldAtOnce) {
  const auto keeper = start("echo cannot begin >&2; exit 1");
  const auto answer = keeper->wait_until_ready(60s);
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(answer.error().message, AllOf(HasSubstr("exit code 1"), HasSubstr("cannot begin")));
}

TEST_F(KeeperTest, AProgramThatIsNotThereIsToldToo) {
  auto keeper = Keeper::start({"server 7", {"/no/such/program"}, "", folder / "server.log"});
  ASSERT_TRUE(keeper.ok());
  EXPECT_FALSE(keeper.value()->wait_until_ready(60s).ok());
}

TEST_F(KeeperTest, OneThatDoesNotFinishIsKilled) {
  const auto keeper = start("echo up >&4; exec sleep 1000");
  ASSERT_TRUE(keeper->wait_until_ready(60s).ok());
  const Status finished = keeper->finish(0s);
  ASSERT_FALSE(finished.ok());
  EXPECT_EQ(finished.error().code, ErrorCode::kTimedOut);
}

TEST_F(KeeperTest, TheChildEndsWithItsKeeper) {
  auto keeper = start("echo $$ >&4; exec sleep 1000");
  const auto pid = keeper->wait_until_ready(60s);
  ASSERT_TRUE(pid.ok());
  keeper.reset();
  EXPECT_EQ(kill(std::stoi(pid.value()), 0), -1);  // reaped: no such process
}

TEST_F(KeeperTest, TheChildHasNoDescriptorOfItsParentAndIgnoresSigusr1) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);  // not close-on-exec, as those of MPI
  const auto keeper = start(
      "kill -USR1 $$; i=0; while [ $i -lt 100 ]; do "
      "[ -e /proc/$$/fd/$i ] && open=\"$open$i \"; i=$((i+1)); done; echo \"$open\" >&4");
  const auto open = keeper->wait_until_ready(60s);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  ASSERT_TRUE(open.ok()) << open.error().message;
  EXPECT_EQ(open.value(), "0 1 2 3 4 ");
}

TEST_F(KeeperTest, ALogThatCannotBeWrittenIsToldByName) {
  std::ofstream(folder / "logs") << "a file where the folder should be";
  const auto keeper = Keeper::start({"server 7", {"/bin/true"}, "", folder / "logs/server.log"});
  ASSERT_FALSE(keeper.ok());
  EXPECT_THAT(keeper.error().message, HasSubstr((folder / "logs/server.log").string()));
}

}  // namespace

}  // namespace cairn
