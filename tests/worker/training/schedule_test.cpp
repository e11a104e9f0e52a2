// When training evaluates, writes a checkpoint and ends, as a table of cases.
#include "worker/training/schedule.h"

#include <gtest/gtest.h>

#include <cmath>

namespace cairn::training {
namespace {

JobConfig job() {
  JobConfig job;
  job.train.epochs = 3;
  return job;
}

TrainState after(uint64_t step, uint64_t epoch) {
  TrainState state;
  state.step = step;
  state.epoch = epoch;
  return state;
}

TEST(Schedule, EndsByEpochsStepsOrPatience) {
  JobConfig its = job();
  EXPECT_FALSE(Schedule(its).has_ended(after(1000, 2)));
  EXPECT_TRUE(Schedule(its).has_ended(after(1000, 3)));
  its.train.max_steps = 50;
  EXPECT_FALSE(Schedule(its).has_ended(after(49, 0)));
  EXPECT_TRUE(Schedule(its).has_ended(after(50, 0)));
  its.eval.patience = 2;
  TrainState waiting = after(10, 0);
  waiting.evaluations_since_best = 1;
  EXPECT_FALSE(Schedule(its).has_ended(waiting));
  waiting.evaluations_since_best = 2;
  EXPECT_TRUE(Schedule(its).has_ended(waiting));
}

TEST(Schedule, EvaluatesAtTheEndOfEpochsOrEverySoManyStepsAndAtTheEnd) {
  struct Case {
    uint64_t every, step, epoch;
    bool epoch_ended, due;
  };
  for (const Case& c :
       {Case{0, 10, 0, false, false}, Case{0, 10, 1, true, true}, Case{4, 10, 1, true, false},
        Case{4, 12, 0, false, true}, Case{4, 13, 3, true, true}, Case{0, 13, 3, false, true}}) {
    JobConfig its = job();
    its.eval.every = c.every;
    EXPECT_EQ(Schedule(its).evaluation_is_due(after(c.step, c.epoch), c.epoch_ended), c.due)
        << "every " << c.every << " step " << c.step;
  }
}

TEST(Schedule, WritesACheckpointAtTheEndOfEpochsOrEverySoManyStepsAndOfTheBest) {
  struct Case {
    uint64_t every, step;
    bool epoch_ended, monitored, evaluated;
    uint64_t best_step;
    bool due;
  };
  for (const Case& c :
       {Case{0, 10, false, false, false, 0, false}, Case{0, 10, true, false, false, 0, true},
        Case{4, 10, true, false, false, 0, false}, Case{5, 10, false, false, false, 0, true},
        Case{4, 10, false, true, true, 10, true}, Case{4, 10, false, true, true, 8, false},
        Case{4, 10, false, true, false, 10, false}, Case{4, 10, false, false, true, 10, false}}) {
    JobConfig its = job();
    its.checkpoint.every = c.every;
    if (c.monitored) its.eval.monitor = "income.auc";
    TrainState state = after(c.step, 0);
    state.best_step = c.best_step;
    EXPECT_EQ(Schedule(its).checkpoint_is_due(state, c.epoch_ended, c.evaluated), c.due)
        << "every " << c.every << " best step " << c.best_step;
  }
}

TEST(Schedule, CountsEvaluationsSinceTheBestOfWhatIsMonitored) {
  JobConfig its = job();
  for (const bool auc : {true, false}) {
    its.eval.monitor = auc ? "income.auc" : "income.logloss";
    TrainState state = after(1, 0);
    Schedule(its).note_evaluation(0.5, state);
    EXPECT_EQ(state.best_step, 1u);
    state.step = 2;
    Schedule(its).note_evaluation(auc ? 0.4 : 0.6, state);
    Schedule(its).note_evaluation(std::nan(""), state);
    Schedule(its).note_evaluation(0.5, state);  // no better
    EXPECT_EQ(state.best_step, 1u);
    EXPECT_EQ(state.evaluations_since_best, 3u);
    Schedule(its).note_evaluation(auc ? 0.6 : 0.4, state);
    EXPECT_EQ(state.best_step, 2u);
    EXPECT_EQ(state.evaluations_since_best, 0u);
  }
}

}  // namespace
}  // namespace cairn::training
