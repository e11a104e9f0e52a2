#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

#include "launcher/output_folder.h"

namespace cairn {

namespace {

class OutputFolderTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "cairn-output-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::filesystem::path folder;
};

TEST_F(OutputFolderTest, ASecondRunIsRefusedUntilTheFirstEnds) {
  {
    const auto first = launcher::OutputLock::take(folder / "run");
    ASSERT_TRUE(first.ok()) << first.error().message;
    const auto second = launcher::OutputLock::take(folder / "run");
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, ErrorCode::kUnavailable);
    EXPECT_THAT(second.error().message, testing::HasSubstr("another run"));
    EXPECT_TRUE(launcher::OutputLock::take(folder / "other").ok());
  }
  EXPECT_TRUE(launcher::OutputLock::take(folder / "run").ok());
}

TEST_F(OutputFolderTest, TheLockOutlivesItsTakerInAProcessThatItStarted) {
  auto lock = std::make_unique<Result<launcher::OutputLock>>(launcher::OutputLock::take(folder));
  ASSERT_TRUE(lock->ok());
  int hold[2];
  ASSERT_EQ(pipe(hold), 0);
  const pid_t child = fork();
  if (child == 0) {  // as mpirun, whose `cairn` was killed
    close(hold[1]);
    char byte;
    [[maybe_unused]] const ssize_t ended = read(hold[0], &byte, 1);
    _exit(0);
  }
  lock.reset();
  EXPECT_FALSE(launcher::OutputLock::take(folder).ok());
  close(hold[1]);
  waitpid(child, nullptr, 0);
  close(hold[0]);
  EXPECT_TRUE(launcher::OutputLock::take(folder).ok());
}

TEST_F(OutputFolderTest, AFileInItsPlaceIsRefusedByName) {
  std::ofstream(folder / "file") << "text";
  const auto lock = launcher::OutputLock::take(folder / "file");
  ASSERT_FALSE(lock.ok());
  EXPECT_THAT(lock.error().message, testing::HasSubstr((folder / "file").string()));
}

TEST_F(OutputFolderTest, ResultsMakeAFolderUsedAndOtherFilesDoNot) {
  std::ofstream(folder / "resolved.yaml") << "of a start that went no further";
  std::ofstream(folder / "notes.txt") << "the user's";
  EXPECT_FALSE(launcher::was_used(folder, folder / "checkpoints"));
  std::ofstream(folder / "metrics.jsonl") << "{}\n";
  EXPECT_TRUE(launcher::was_used(folder, folder / "checkpoints"));
}

}  // namespace

}  // namespace cairn
