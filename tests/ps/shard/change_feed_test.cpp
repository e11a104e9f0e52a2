// The news of a step that a listener gets, in the cases that a simulation meets seldom.
#include "ps/shard/change_feed.h"

#include <cmath>
#include <map>

#include "tests/ps/shard/machine_fixture.h"

namespace cairn::ps {
namespace {

class Heard final : public ChangeListener {
 public:
  struct Step {
    uint64_t step = 0;
    Lsn lsn = 0;
    std::map<Key, std::vector<float>> rows;
    std::vector<DeletedKey> removed;
  };
  void begin(uint64_t applied_step) override { begun.push_back(applied_step); }
  void step_over(const StepChanges& changes) override {
    Step step{changes.step, changes.lsn, {}, {changes.removed.begin(), changes.removed.end()}};
    const StepChanges::Table& table = changes.tables.at(0);
    ASSERT_EQ(table.weights.size(), 2 * table.keys.size());
    for (size_t i = 0; i < table.keys.size(); ++i) {
      const std::vector<float> weights = {table.weights[2 * i], table.weights[2 * i + 1]};
      ASSERT_TRUE(step.rows.emplace(table.keys[i], weights).second) << "a key comes twice";
    }
    steps.push_back(std::move(step));
  }

  std::vector<uint64_t> begun;
  std::vector<Step> steps;
};

class ChangeFeedTest : public MachineTest {
 protected:
  explicit ChangeFeedTest(AdmissionConfig admission = {})
      : MachineTest({.admission = admission}, &heard_) {}
  // A step of these pushes, one per worker, up to the keys that wait for the store.
  StepAssembler::Step apply(uint64_t number, const std::vector<KeyValues>& pushes) {
    StepAssembler::Step step{.step = number, .commit_lsn = 10 * number};
    for (uint32_t worker = 0; worker < pushes.size(); ++worker)
      step.pushes.push_back(
          std::make_shared<const Message>(push_of(worker, number, pushes[worker])));
    deferred_.assign(1, {});
    ps::apply_step(*rows_, step, /*create=*/store_.empty(), deferred_);
    changes_.changed(step);
    return step;
  }

  Heard heard_;
  std::vector<ShardRows::Deferred> deferred_;
};

TEST_F(ChangeFeedTest, ARowThatTwoWorkersPushedIsToldOnceAsItIsAfterTheStep) {
  apply(1, {{{1, {1.0f, 2.0f}}}, {{1, {3.0f, 4.0f}}, {2, {0.0f, 0.0f}}}});
  changes_.step_over(1, 10);
  ASSERT_EQ(heard_.steps.size(), 1u);
  EXPECT_EQ(heard_.steps[0].step, 1u);
  EXPECT_EQ(heard_.steps[0].lsn, 10u);
  const std::map<Key, std::vector<float>> expected = {
      {1, {initial(1)[0] - 4.0f, initial(1)[1] - 6.0f}}, {2, initial(2)}};
  EXPECT_EQ(heard_.steps[0].rows, expected);
}

TEST_F(ChangeFeedTest, AStepIsToldThoughItChangedNothingAndNothingIsToldTwice) {
  apply(1, {{{1, {1.0f, 2.0f}}}});
  changes_.removed(std::vector<DeletedKey>{{5, 0}});
  changes_.step_over(1, 10);
  apply(2, {{}});
  changes_.step_over(2, 20);
  ASSERT_EQ(heard_.steps.size(), 2u);
  EXPECT_EQ(heard_.steps[0].removed, (std::vector<DeletedKey>{{5, 0}}));
  EXPECT_TRUE(heard_.steps[1].rows.empty());
  EXPECT_TRUE(heard_.steps[1].removed.empty());
}

TEST_F(ChangeFeedTest, ARowWhoseGradientIsNotFiniteIsUnchanged) {
  apply(1, {{{1, {1.0f, 2.0f}}, {2, {1.0f, 2.0f}}}});
  changes_.step_over(1, 10);
  apply(2, {{{1, {NAN, 2.0f}}, {2, {1.0f, 2.0f}}, {3, {INFINITY, 0.0f}}}});
  changes_.step_over(2, 20);
  ASSERT_EQ(heard_.steps.size(), 2u);
  ASSERT_EQ(heard_.steps[1].rows.size(), 1u);
  EXPECT_TRUE(heard_.steps[1].rows.contains(2));
}

TEST_F(ChangeFeedTest, ARowThatWaitedForTheStoreIsToldThoughMemoryHasLostItBeforeTheEnd) {
  store_row(1, {10.0f, 10.0f});
  rows_->install(std::vector<RowKey>{{0, 2}}, {}, 2);  // is known not to be stored
  const StepAssembler::Step step = apply(2, {{{1, {1.0f, 2.0f}}, {2, {1.0f, 2.0f}}}});
  ASSERT_EQ(deferred_[0].keys, std::vector<Key>{1});
  rows_->install(
      std::vector<RowKey>{{0, 1}},
      {.entries = {{.key = {0, 1}, .last_step = 1, .count = 1}}, .floats = {10.0f, 10.0f}}, 2);
  const ShardRows::Deferred now = std::exchange(deferred_[0], {});
  const GradientPart part{reinterpret_cast<const char*>(now.keys.data()),
                          reinterpret_cast<const char*>(now.gradients.data()), now.keys.size()};
  apply_table(*rows_, change_of(step, /*create=*/false), 0, {part}, deferred_[0]);
  changes_.changed(step, 0, now.keys);
  rows_->remove(0, 2, 21);  // the next step may change or drop what was told
  changes_.step_over(2, 20);
  ASSERT_EQ(heard_.steps.size(), 1u);
  const std::map<Key, std::vector<float>> expected = {
      {1, {9.0f, 8.0f}}, {2, {initial(2)[0] - 1.0f, initial(2)[1] - 2.0f}}};
  EXPECT_EQ(heard_.steps[0].rows, expected);
}

class SelectiveChangeFeedTest : public ChangeFeedTest {
 protected:
  SelectiveChangeFeedTest() : ChangeFeedTest({.min_count = 2}) {}
};

TEST_F(SelectiveChangeFeedTest, AKeyThatWasRefusedIsNotTold) {
  const StepAssembler::Step step = apply(1, {{{1, {1.0f, 2.0f}}}});
  count_keys(*rows_, step);
  changes_.step_over(1, 10);
  apply(2, {{{1, {1.0f, 2.0f}}}});
  changes_.step_over(2, 20);
  ASSERT_EQ(heard_.steps.size(), 2u);
  EXPECT_TRUE(heard_.steps[0].rows.empty());
  EXPECT_EQ(heard_.steps[1].rows.size(), 1u);
}

TEST(ChangeFeed, WhereNobodyListensItDoesNothing) {
  const auto rows = ShardRows::create({}, {{.name = "a", .dim = 2}}, 7, 1 << 20).value();
  ChangeFeed changes(*rows, nullptr);
  changes.begin(0);
  StepAssembler::Step step{.step = 1};
  changes.changed(step);
  changes.removed(std::vector<DeletedKey>{{1, 0}});
  changes.step_over(1, 1);
}

}  // namespace
}  // namespace cairn::ps
