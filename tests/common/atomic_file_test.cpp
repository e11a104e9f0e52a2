#include "common/atomic_file.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/common/temporary_folder.h"

namespace cairn {
namespace {

std::string content_of(const std::filesystem::path& path) {
  std::ostringstream content;
  content << std::ifstream(path, std::ios::binary).rdbuf();
  return content.str();
}

TEST(AtomicFile, ReplacesAFileAndMakesItsFolders) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "a" / "b" / "file";
  ASSERT_TRUE(write_file_atomically(path, "a longer first text").ok());
  ASSERT_TRUE(write_file_atomically(path, "second").ok());
  EXPECT_EQ(content_of(path), "second");
  // Nothing else is left beside it.
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(path.parent_path()), {}), 1);
}

TEST(AtomicFile, FailureNamesThePathAndLeavesNothingBehind) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "taken";
  std::filesystem::create_directories(path / "not empty");
  const Status status = write_file_atomically(path, "text");
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.error().code, ErrorCode::kUnavailable);
  EXPECT_NE(status.error().message.find(path.string()), std::string::npos);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path()), {}), 1);

  std::ofstream(folder.path() / "file") << "text";
  EXPECT_FALSE(write_file_atomically(folder.path() / "file" / "below", "text").ok());
}

}  // namespace
}  // namespace cairn
