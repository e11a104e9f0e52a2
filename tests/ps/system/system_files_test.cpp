#include "ps/system/system_files.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "tests/common/temporary_folder.h"

namespace cairn::ps {
namespace {

TEST(SystemFiles, TheFileSystemOfTmpIsReadAsItWasWritten) {
  const TemporaryFolder folder;
  FileLayer& files = system_files();
  const auto path = folder.path() / "a", other = folder.path() / "b";
  {
    auto file = files.create(path, 8192, FileLayer::Access::kWrite);
    ASSERT_TRUE(file.ok()) << file.error().message;
    ASSERT_TRUE(file.value()->write_at(100, std::string_view("text")).ok());
    ASSERT_TRUE(file.value()->sync().ok());
  }
  EXPECT_FALSE(files.create(path, 1, FileLayer::Access::kWrite).ok());
  ASSERT_TRUE(files.rename(path, other).ok());
  ASSERT_TRUE(files.sync_folder(folder.path()).ok());
  EXPECT_EQ(files.list(folder.path()).value(), std::vector<std::string>{"b"});
  auto file = files.open(other, FileLayer::Access::kRead);
  ASSERT_TRUE(file.ok());
  EXPECT_EQ(file.value()->size().value(), 8192u);
  std::string text(5, 'x');
  ASSERT_TRUE(file.value()->read_at(100, text).ok());
  EXPECT_EQ(text, std::string("text\0", 5));
  EXPECT_EQ(file.value()->read_at(8190, text).error().code, ErrorCode::kCorrupt);
  ASSERT_TRUE(files.remove(other).ok());
  EXPECT_EQ(files.open(other, FileLayer::Access::kRead).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(files.list(folder.path() / "none").error().code, ErrorCode::kNotFound);
}

}  // namespace
}  // namespace cairn::ps
