#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "launcher/host.h"

namespace cairn {

namespace {

TEST(Host, ShardsOfAHostShareAQuarterOfItsMemory) {
  const uint64_t memory = launcher::usable_memory_bytes();
  EXPECT_GT(memory, uint64_t{64} << 20);
  EXPECT_LT(memory, uint64_t{1} << 50);
  EXPECT_EQ(launcher::hot_bytes_of_a_shard(PsConfig{}, 1), memory / 4);
  EXPECT_EQ(launcher::hot_bytes_of_a_shard(PsConfig{}, 4), memory / 4 / 4);
}

TEST(Host, AHotTierOfAGivenSizeIsLeftSo) {
  PsConfig ps;
  ps.hot_bytes = 12'345;
  EXPECT_EQ(launcher::hot_bytes_of_a_shard(ps, 4), 12'345u);
}

TEST(Host, IncarnationsDiffer) {
  std::set<uint64_t> seen;
  for (int i = 0; i < 100; ++i) seen.insert(launcher::random_bits());
  EXPECT_EQ(seen.size(), 100u);
}

TEST(Host, ASocketFolderIsThisUsersAloneAndNew) {
  const uint64_t incarnation = launcher::random_bits();
  ASSERT_TRUE(launcher::make_socket_folder(incarnation).ok());
  struct stat info = {};
  ASSERT_EQ(stat(launcher::socket_folder(incarnation).c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  EXPECT_FALSE(launcher::make_socket_folder(incarnation).ok());
  std::filesystem::remove_all(launcher::socket_folder(incarnation));
}

TEST(Host, OnlySocketFoldersOfTheDeadAreRemoved) {
  const uint64_t alive = launcher::random_bits(), dead = launcher::random_bits(),
                 foreign = launcher::random_bits();
  ASSERT_TRUE(launcher::make_socket_folder(alive).ok());
  const pid_t child = fork();
  if (child == 0) _exit(launcher::make_socket_folder(dead).ok() ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_EQ(status, 0);
  std::filesystem::create_directory(
      launcher::socket_folder(foreign));  // no lock: not known to be dead
  EXPECT_TRUE(std::filesystem::exists(launcher::socket_folder(dead)));
  launcher::remove_dead_socket_folders();
  EXPECT_FALSE(std::filesystem::exists(launcher::socket_folder(dead)));
  for (const uint64_t incarnation : {alive, foreign}) {
    EXPECT_TRUE(std::filesystem::exists(launcher::socket_folder(incarnation)));
    std::filesystem::remove_all(launcher::socket_folder(incarnation));
  }
}

}  // namespace

}  // namespace cairn
