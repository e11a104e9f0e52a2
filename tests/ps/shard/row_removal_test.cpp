// Rows that go after a step: when they are looked for, what is logged, and who is told.
#include "ps/shard/row_removal.h"

#include "tests/ps/shard/machine_fixture.h"

namespace cairn::ps {
namespace {

class Heard final : public ChangeListener {
 public:
  void begin(uint64_t) override {}
  void step_over(const StepChanges& changes) override {
    removed.assign(changes.removed.begin(), changes.removed.end());
  }
  std::vector<DeletedKey> removed;
};

// A row expires two steps after the last one that held its key; every slot is due after each step.
class RowRemovalTest : public MachineTest {
 protected:
  RowRemovalTest() : MachineTest({.expiry = {.unseen_steps = 2}}, &heard_) {}

  // A step of these keys, up to where the removal begins.
  void step(const KeyValues& gradients) {
    apply_step(gradients);
    clock_.step_is_over = false;
    removal_.step_applied();
  }
  std::vector<DeletedKey> last_deleted() {
    log_all();
    const std::deque<LogRecord> kept = log_.kept();
    if (kept.empty() || kept.back().kind != RecordKind::kDelete) return {};
    return kept.back().deleted;
  }

  Heard heard_;
  const KeyValues one_ = {{1, {1.0f, 1.0f}}}, two_ = {{2, {1.0f, 1.0f}}};
  std::vector<std::optional<Lsn>> over_;
  int went_on_ = 0;
  RowRemoval removal_{{},
                      1,
                      {.rows = *rows_,
                       .store = store_,
                       .reads = reads_,
                       .writer = writer_,
                       .changes = changes_,
                       .clock = clock_,
                       .metrics = metrics_,
                       .post = post(),
                       .failure = failure_,
                       .fail = fail(),
                       .over =
                           [this](std::optional<Lsn> removed) {
                             over_.push_back(removed);
                             clock_.step_is_over = true;
                           },
                       .go_on = [this] { ++went_on_; }}};
};

TEST_F(RowRemovalTest, ARowExpiresAfterItsStepAndTheRecordStandsBehindThatStepsPush) {
  removal_.prepare(1);
  step(one_);
  step(two_);
  EXPECT_EQ(over_, (std::vector<std::optional<Lsn>>{std::nullopt, std::nullopt}));
  EXPECT_TRUE(last_deleted().empty());
  step(two_);
  ASSERT_EQ(over_.size(), 3u);
  EXPECT_EQ(over_[2], clock_.commit_lsn + 1);
  EXPECT_EQ(last_deleted(), (std::vector<DeletedKey>{{1, 0}}));
  EXPECT_EQ(log_.kept().back().step, 3u);
  EXPECT_EQ(removal_.rows_removed(), std::vector<uint64_t>{1});
  changes_.step_over(3, *over_[2]);
  EXPECT_EQ(heard_.removed, (std::vector<DeletedKey>{{1, 0}}));
  EXPECT_EQ(went_on_, 0);  // nobody had to wait
}

TEST_F(RowRemovalTest, AStepIsNotOverBeforeTheSlotsAreReadFromTheStore) {
  store_row(8, {1.0f, 1.0f}, 2);
  store_row(9, {1.0f, 1.0f}, 1);
  removal_.prepare(3);
  clock_.applied_step = 3;
  clock_.step_is_over = false;
  removal_.step_applied();
  EXPECT_TRUE(over_.empty());
  answer_store();
  ASSERT_EQ(over_.size(), 1u);
  EXPECT_TRUE(over_[0].has_value());
  EXPECT_EQ(went_on_, 1);
  EXPECT_EQ(last_deleted(), (std::vector<DeletedKey>{{9, 0}}));
}

TEST_F(RowRemovalTest, SlotsThatAreReadBeforeTheStepIsAppliedAreUsedThen) {
  store_row(9, {1.0f, 1.0f}, 1);
  removal_.prepare(3);
  answer_store();
  EXPECT_TRUE(over_.empty());
  clock_.applied_step = 3;
  clock_.step_is_over = false;
  removal_.step_applied();
  EXPECT_EQ(over_.size(), 1u);
  EXPECT_EQ(went_on_, 0);
}

TEST_F(RowRemovalTest, WhatIsInMemoryIsNewerThanWhatTheStoreHolds) {
  store_row(9, {1.0f, 1.0f}, 1);
  removal_.prepare(3);
  answer_store();
  rows_->install(std::vector<RowKey>{{0, 9}},
                 {.entries = {{.key = {0, 9}, .last_step = 3, .count = 2}}, .floats = {1.0f, 1.0f}},
                 0);
  clock_.applied_step = 3;
  clock_.step_is_over = false;
  removal_.step_applied();
  EXPECT_EQ(over_, (std::vector<std::optional<Lsn>>{std::nullopt}));
}

TEST_F(RowRemovalTest, AScanThatFailsEndsTheShard) {
  store_row(9, {1.0f, 1.0f}, 1);
  removal_.prepare(3);
  store_.fail(0, {ErrorCode::kUnavailable, "unreadable"});
  run_posted();
  ASSERT_TRUE(failure_.has_value());
  EXPECT_EQ(failure_->message, "unreadable");
  EXPECT_TRUE(over_.empty());
}

}  // namespace
}  // namespace cairn::ps
