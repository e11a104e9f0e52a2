#include "common/log.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <fstream>
#include <sstream>

#include "tests/common/temporary_folder.h"

namespace cairn {
namespace {

class LogTest : public testing::Test {
 protected:
  ~LogTest() override { (void)init_log("test", 0, "info").ok(); }

  std::string logged() const {
    std::ostringstream content;
    content << std::ifstream(file).rdbuf();
    return content.str();
  }

  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "log";
};

TEST_F(LogTest, LineSaysWhenHowBadAndWho) {
  testing::internal::CaptureStderr();
  ASSERT_TRUE(init_log("server", 3, "info", file).ok());
  spdlog::warn("disk {} fills", 7);
  spdlog::debug("not at this level");
  const std::string to_stderr = testing::internal::GetCapturedStderr();

  const std::string line = logged();
  EXPECT_EQ(line, to_stderr);
  EXPECT_TRUE(testing::internal::RE::FullMatch(
      line, testing::internal::RE("[0-9]+-[0-9]+-[0-9]+ [0-9]+:[0-9]+:[0-9]+\\.[0-9]+ W "
                                  "\\[server 3\\] disk 7 fills\n")))
      << line;
}

TEST_F(LogTest, GoesOnAtTheEndOfAFile) {
  testing::internal::CaptureStderr();
  ASSERT_TRUE(init_log("worker", 0, "info", file).ok());
  spdlog::info("first");
  ASSERT_TRUE(init_log("worker", 0, "info", file).ok());
  spdlog::info("second");
  testing::internal::GetCapturedStderr();
  EXPECT_NE(logged().find("first"), std::string::npos);
  EXPECT_NE(logged().find("second"), std::string::npos);
}

TEST_F(LogTest, RefusesAnUnknownLevelAndAFileThatCannotBeOpened) {
  const Status level = init_log("worker", 0, "loud");
  ASSERT_FALSE(level.ok());
  EXPECT_EQ(level.error().code, ErrorCode::kInvalidArgument);
  EXPECT_NE(level.error().message.find("loud"), std::string::npos);

  const Status opened = init_log("worker", 0, "info", folder.path());
  ASSERT_FALSE(opened.ok());
  EXPECT_EQ(opened.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(opened.error().message.find(folder.path().string()), std::string::npos);
}

}  // namespace
}  // namespace cairn
