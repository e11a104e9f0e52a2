#include <gtest/gtest.h>

#include "launcher/mpirun_report.h"

namespace cairn {

namespace {

const std::string kDashes = std::string(74, '-') + "\n";

std::string block(const std::string& text) { return kDashes + text + kDashes; }

const std::string kAborted = block(
    "Primary job  terminated normally, but 1 process returned\n"
    "a non-zero exit code. Per user-direction, the job has been aborted.\n");
const std::string kNoticed = block(
    "mpirun noticed that process rank 12 with PID 0 on node n7.example exited on signal 9 "
    "(Killed).\n");
const std::string kNoSlots =
    block("There are not enough slots available in the system to satisfy the 3\nslots\n");

TEST(MpirunReport, AKilledRankIsReadAndMpirunsOwnWordsAreDropped) {
  launcher::MpirunReport report;
  EXPECT_EQ(report.take(kAborted + kNoticed), "");
  EXPECT_EQ(report.finish(), "");
  ASSERT_TRUE(report.killed());
  EXPECT_EQ(report.killed()->rank, 12u);
  EXPECT_EQ(report.killed()->host, "n7.example");
  EXPECT_EQ(report.killed()->signal, "9 (Killed)");
}

TEST(MpirunReport, RolesAreTakenInAndNotShown) {
  launcher::MpirunReport report;
  EXPECT_EQ(report.role_of(1), "a process of the job");
  const std::string roles[] = {"worker 0", "worker 1", "the supervisor of server 0"};
  EXPECT_EQ(report.take("one\n" + launcher::roles_line(roles) + "two\n"), "one\ntwo\n");
  EXPECT_EQ(report.role_of(1), "worker 1");
  EXPECT_EQ(report.role_of(2), "the supervisor of server 0");
  EXPECT_EQ(report.role_of(3), "a process of the job");
}

TEST(MpirunReport, WhatRanksAndMpirunElseSayPasses) {
  launcher::MpirunReport report;
  EXPECT_EQ(report.take("cairn: one\n" + kAborted + kNoSlots + "two\n"),
            "cairn: one\n" + kNoSlots + "two\n");
  EXPECT_FALSE(report.killed());
}

TEST(MpirunReport, TheSplittingOfBytesDoesNotMatter) {
  const std::string text = "one\n" + kAborted + "two\n" + kNoSlots + kNoticed + "three";
  for (size_t piece = 1; piece < text.size(); ++piece) {
    launcher::MpirunReport report;
    std::string shown;
    for (size_t at = 0; at < text.size(); at += piece)
      shown += report.take(std::string_view(text).substr(at, piece));
    shown += report.finish();
    ASSERT_EQ(shown, "one\ntwo\n" + kNoSlots + "three") << "in pieces of " << piece;
    ASSERT_TRUE(report.killed());
  }
}

TEST(MpirunReport, AMessageCutShortIsShown) {
  launcher::MpirunReport report;
  EXPECT_EQ(report.take(kDashes + "mpirun was unable to\nreach"), "");
  EXPECT_EQ(report.finish(), "mpirun was unable to\nreach");
}

TEST(MpirunReport, AnAccountInOtherWordsPasses) {
  for (const char* text : {"mpirun noticed that process rank 1 went away.\n",
                           "mpirun noticed that exited on signal 9 on node x\n", "\n", ""}) {
    launcher::MpirunReport report;
    EXPECT_EQ(report.take(block(text)), block(text));
    EXPECT_FALSE(report.killed());
  }
}

}  // namespace

}  // namespace cairn
