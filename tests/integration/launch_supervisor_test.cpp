// The supervisor of a server process, with shell scripts in that process's place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <thread>

#include "launcher/supervisor.h"

namespace cairn {

namespace {

using namespace std::chrono_literals;
using testing::AllOf;
using testing::HasSubstr;

class SupervisorTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "cairn-supervisor-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  // `script` reads its spec from descriptor 3 and answers on 4.
  std::unique_ptr<launcher::Supervisor> start(const std::string& script,
                                              const std::string& spec = "spec") {
    auto supervisor = launcher::Supervisor::start(
        {"server 7 (shard 7)", {"/bin/sh", "-c", script}, spec, folder / "logs/server-7.log"});
    EXPECT_TRUE(supervisor.ok()) << supervisor.error().message;
    return std::move(supervisor).value();
  }

  // The message of its end, which must come.
  static std::string end_of(launcher::Supervisor& supervisor) {
    for (;;) {
      const Status status = supervisor.watch();
      if (!status.ok()) return status.error().message;
      std::this_thread::yield();
    }
  }

  std::filesystem::path folder;
};

TEST_F(SupervisorTest, TheSpecGoesInTheAnswerComesBackAndTheEndOfTheSpecEndsIt) {
  const auto supervisor = start("read spec <&3; echo \"got $spec\" >&4; cat <&3 >/dev/null");
  const auto answer = supervisor->wait_until_ready(60s);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer.value(), "got spec");
  EXPECT_TRUE(supervisor->watch().ok());
  const Status finished = supervisor->finish(60s);
  EXPECT_TRUE(finished.ok()) << finished.error().message;
}

TEST_F(SupervisorTest, TheSpecMayBeLongerThanAPipe) {
  const auto supervisor = start("read spec <&3; echo ${#spec} >&4", std::string(1'000'000, 'x'));
  const auto answer = supervisor->wait_until_ready(60s);
  ASSERT_TRUE(answer.ok()) << answer.error().message;
  EXPECT_EQ(answer.value(), "1000000");
}

TEST_F(SupervisorTest, AnExitIsToldWithItsCodeAndTheLogsLastLines) {
  const auto supervisor = start("echo up >&4; for i in $(seq 100); do echo line $i; done; exit 3");
  ASSERT_TRUE(supervisor->wait_until_ready(60s).ok());
  const std::string message = end_of(*supervisor);
  EXPECT_THAT(message, AllOf(HasSubstr("server 7 (shard 7)"), HasSubstr("exit code 3"),
                             HasSubstr((folder / "logs/server-7.log").string()),
                             HasSubstr("line 91\n"), HasSubstr("line 100")));
  EXPECT_THAT(message, testing::Not(HasSubstr("line 90\n")));
  EXPECT_EQ(end_of(*supervisor), message);  // it stays ended
}

TEST_F(SupervisorTest, ASignalIsToldByName) {
  const auto supervisor = start("echo up >&4; kill -SEGV $$");
  ASSERT_TRUE(supervisor->wait_until_ready(60s).ok());
  EXPECT_THAT(end_of(*supervisor), AllOf(HasSubstr("signal 11"), HasSubstr("Segmentation fault")));
}

TEST_F(SupervisorTest, AnEndBeforeTheAnswerIsToldAtOnce) {
  const auto supervisor = start("echo cannot begin >&2; exit 1");
  const auto answer = supervisor->wait_until_ready(60s);
  ASSERT_FALSE(answer.ok());
  EXPECT_THAT(answer.error().message, AllOf(HasSubstr("exit code 1"), HasSubstr("cannot begin")));
}

TEST_F(SupervisorTest, AProgramThatIsNotThereIsToldToo) {
  auto supervisor =
      launcher::Supervisor::start({"server 7", {"/no/such/program"}, "", folder / "server.log"});
  ASSERT_TRUE(supervisor.ok());
  EXPECT_FALSE(supervisor.value()->wait_until_ready(60s).ok());
}

TEST_F(SupervisorTest, OneThatDoesNotFinishIsKilled) {
  const auto supervisor = start("echo up >&4; exec sleep 1000");
  ASSERT_TRUE(supervisor->wait_until_ready(60s).ok());
  const Status finished = supervisor->finish(0s);
  ASSERT_FALSE(finished.ok());
  EXPECT_EQ(finished.error().code, ErrorCode::kTimedOut);
}

TEST_F(SupervisorTest, TheChildEndsWithItsSupervisor) {
  auto supervisor = start("echo $$ >&4; exec sleep 1000");
  const auto pid = supervisor->wait_until_ready(60s);
  ASSERT_TRUE(pid.ok());
  supervisor.reset();
  EXPECT_EQ(kill(std::stoi(pid.value()), 0), -1);  // reaped: no such process
}

TEST_F(SupervisorTest, TheChildHasNoDescriptorOfItsParentAndIgnoresSigusr1) {
  int pipe_ends[2];
  ASSERT_EQ(pipe(pipe_ends), 0);  // not close-on-exec, as those of MPI
  const auto supervisor = start(
      "kill -USR1 $$; i=0; while [ $i -lt 100 ]; do "
      "[ -e /proc/$$/fd/$i ] && open=\"$open$i \"; i=$((i+1)); done; echo \"$open\" >&4");
  const auto open = supervisor->wait_until_ready(60s);
  close(pipe_ends[0]);
  close(pipe_ends[1]);
  ASSERT_TRUE(open.ok()) << open.error().message;
  EXPECT_EQ(open.value(), "0 1 2 3 4 ");
}

TEST_F(SupervisorTest, ALogThatCannotBeWrittenIsToldByName) {
  std::ofstream(folder / "logs") << "a file where the folder should be";
  const auto supervisor =
      launcher::Supervisor::start({"server 7", {"/bin/true"}, "", folder / "logs/server.log"});
  ASSERT_FALSE(supervisor.ok());
  EXPECT_THAT(supervisor.error().message, HasSubstr((folder / "logs/server.log").string()));
}

}  // namespace

}  // namespace cairn
