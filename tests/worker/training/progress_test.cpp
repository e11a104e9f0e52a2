#include "worker/training/progress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pty.h>
#include <unistd.h>

#include <cstdlib>

namespace cairn::training {
namespace {

using testing::HasSubstr;
using testing::Not;

TaskConfig task_named(const char* name) {
  TaskConfig task;
  task.name = name;
  return task;
}

// Catches the lines that a Progress writes.
class ProgressTest : public testing::Test {
 protected:
  ~ProgressTest() override {
    std::fclose(stream);
    std::free(bytes);
  }
  Progress::Options options(bool bar) {
    return {
        .out = stream, .bar = bar, .epochs = 2, .tasks = {task_named("click"), task_named("buy")}};
  }
  std::string written() {
    std::fflush(stream);
    return {bytes, size};
  }

  char* bytes = nullptr;
  size_t size = 0;
  std::FILE* stream = ::open_memstream(&bytes, &size);
};

TrainReport report_at(double done, double seconds) {
  return {.step = 1500,
          .epoch = 1,
          .done = done,
          .samples = 100,
          .seconds = seconds,
          .samples_per_second = 12345.4,
          .losses = {0.5, 0.25}};
}

TEST_F(ProgressTest, WritesALineAReportWhereThereIsNoTerminal) {
  Progress progress(options(false));
  progress.show(report_at(0.25, 10));
  EXPECT_EQ(written(),
            " 25% step 1,500 epoch 1/2 12,345 samples/s loss click 0.5000 buy 0.2500 ETA 0:30\n");
}

TEST_F(ProgressTest, EstimatesFromThePaceOfThisStartOnly) {
  // Resumed at a half: 10 s for the next tenth leave 40 s for the rest.
  Progress progress(options(false));
  progress.show(report_at(0.5, 1));
  progress.show(report_at(0.6, 11));
  EXPECT_THAT(written(), HasSubstr("ETA 0:40\n"));
}

TEST_F(ProgressTest, SaysThatItDoesNotKnowTheEndYet) {
  Progress progress(options(false));
  progress.show(report_at(0.0, 1));
  EXPECT_THAT(written(), HasSubstr("ETA ?\n"));
}

TEST_F(ProgressTest, CountsBadRowsOnceThereAreSome) {
  Progress progress(options(false));
  TrainReport report = report_at(0.5, 1);
  progress.show(report);
  EXPECT_THAT(written(), Not(HasSubstr("bad samples")));
  report.bad_samples = 3;
  progress.show(report);
  EXPECT_THAT(written(), HasSubstr("bad samples 3\n"));
}

TEST_F(ProgressTest, BarIsDrawnOverOneLineAndKeptAtTheEnd) {
  {
    Progress progress(options(true));
    progress.show(report_at(0.25, 10));
    progress.show(report_at(0.5, 20));
    EXPECT_THAT(written(), HasSubstr("[#####...............] 25% step 1,500"));
    EXPECT_THAT(written(), HasSubstr("\r\033[K[##########..........] 50% step 1,500"));
    EXPECT_THAT(written(), Not(HasSubstr("\n")));
  }
  EXPECT_THAT(written(), testing::EndsWith("\n"));
}

TEST_F(ProgressTest, LineIsNoLongerThanTheTerminal) {
  Progress::Options with_many = options(true);
  with_many.tasks.assign(50, task_named("a_task_with_a_long_name"));
  Progress progress(with_many);
  TrainReport report = report_at(0.5, 1);
  report.losses.assign(50, 0.5);
  progress.show(report);
  EXPECT_LT(written().size(), 100u);
}

TEST_F(ProgressTest, EvaluationStandsAboveTheBar) {
  Progress progress(options(true));
  progress.show(report_at(0.25, 10));
  progress.show(evaluation::EvaluationReport{.step = 1500,
                                 .epoch = 1,
                                 .seconds = 0.84,
                                 .qualities = {{.samples = 9, .auc = 0.75, .logloss = 0.5},
                                               {.samples = 9, .rmse = 0.9, .calibration = 1.01}}});
  EXPECT_THAT(written(),
              HasSubstr("\r\033[Kevaluation at step 1,500 in 0.8 s: click auc 0.7500 logloss "
                        "0.5000, buy rmse 0.9000 calibration 1.0100\n[#####...."));
}

TEST_F(ProgressTest, TerminalIsOneOrIsSaidToBeOne) {
  ::setenv("TERM", "xterm", 1);
  ::unsetenv("CAIRN_TERMINAL");
  EXPECT_FALSE(is_terminal(stream));
  ::setenv("CAIRN_TERMINAL", "1", 1);
  EXPECT_TRUE(is_terminal(stream));
  ::setenv("TERM", "dumb", 1);
  EXPECT_FALSE(is_terminal(stream));
  ::unsetenv("CAIRN_TERMINAL");
}

TEST_F(ProgressTest, TheTerminalThatMpirunMakesIsNone) {
  int both[2];
  char name[64];
  ASSERT_EQ(::openpty(&both[0], &both[1], name, nullptr, nullptr), 0);
  std::FILE* terminal = ::fdopen(both[1], "w");
  ::setenv("TERM", "xterm", 1);
  ::unsetenv("OMPI_COMM_WORLD_RANK");
  EXPECT_TRUE(is_terminal(terminal));
  ::setenv("OMPI_COMM_WORLD_RANK", "0", 1);
  EXPECT_FALSE(is_terminal(terminal));
  ::unsetenv("OMPI_COMM_WORLD_RANK");
  std::fclose(terminal);
  ::close(both[0]);
}

}  // namespace
}  // namespace cairn::training
