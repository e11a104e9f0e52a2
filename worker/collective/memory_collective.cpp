#include "worker/collective/memory_collective.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "worker/collective/rank_order.h"

namespace cairn::collective {

namespace {

// State that the ranks share. Between two barriers a rank writes only its own entry, or its own
// piece.
class Group {
 public:
  explicit Group(uint32_t ranks) : values(ranks), controls(ranks), texts(ranks), ranks_(ranks) {}

  // Waits for all ranks. False: one of them has left, and the ranks here can never be all.
  bool barrier() {
    std::unique_lock lock(mutex_);
    if (left_) return false;
    if (++waiting_ == ranks_) {
      waiting_ = 0;
      ++passed_;
      all_here_.notify_all();
      return true;
    }
    const uint64_t mine = passed_;
    all_here_.wait(lock, [&] { return passed_ != mine || left_; });
    return passed_ != mine;
  }

  bool has_left() {
    const std::lock_guard lock(mutex_);
    return left_;
  }

  void leave() {
    const std::lock_guard lock(mutex_);
    left_ = true;
    all_here_.notify_all();
  }

  std::vector<std::span<float>> values;
  std::vector<Control> controls;
  std::vector<const std::string*> texts;

 private:
  const uint32_t ranks_;
  std::mutex mutex_;
  std::condition_variable all_here_;
  uint32_t waiting_ = 0;  // ranks in the present barrier
  uint64_t passed_ = 0;   // barriers
  bool left_ = false;
};

Error rank_lost() { return Error{ErrorCode::kUnavailable, "a worker of this process has left"}; }

class MemoryCollective : public Collective {
 public:
  // Shared, because the last rank to leave, whichever it is, is the last user of the group.
  MemoryCollective(std::shared_ptr<Group> group, uint32_t rank, uint32_t ranks)
      : group_(std::move(group)), rank_(rank), ranks_(ranks) {}
  ~MemoryCollective() override { group_->leave(); }

  uint32_t rank() const override { return rank_; }
  uint32_t size() const override { return ranks_; }

  Result<std::vector<Control>> all_reduce(std::span<float> values, const Control& mine) override {
    Group& group = *group_;
    group.values[rank_] = values;
    group.controls[rank_] = mine;
    if (!group.barrier()) return rank_lost();  // every rank's values can be read

    std::vector<Control> controls = group.controls;
    sum_my_piece(values);
    if (!group.barrier()) return rank_lost();  // every piece is summed, in its owner's values

    for (uint32_t owner = 0; owner < ranks_; ++owner) {
      if (owner == rank_) continue;
      const Piece piece = piece_of(values.size(), owner, ranks_);
      std::copy_n(group.values[owner].data() + piece.first, piece.count,
                  values.data() + piece.first);
    }
    if (!group.barrier()) return rank_lost();  // nobody reads mine any more
    return controls;
  }

  Result<std::vector<std::string>> all_gather(std::string mine) override {
    return gather(mine, /*here=*/true);
  }

  Result<std::vector<std::string>> gather_to_first(std::string mine) override {
    return gather(mine, /*here=*/rank_ == 0);
  }

  bool lost() const override { return group_->has_left(); }

 private:
  Result<std::vector<std::string>> gather(const std::string& mine, bool here) {
    Group& group = *group_;
    group.texts[rank_] = &mine;
    if (!group.barrier()) return rank_lost();
    std::vector<std::string> all;
    if (here)
      for (const std::string* text : group.texts) all.push_back(*text);
    if (!group.barrier()) return rank_lost();
    return all;
  }

  void sum_my_piece(std::span<float> values) {
    const Piece piece = piece_of(values.size(), rank_, ranks_);
    std::vector<const float*> parts;
    for (const std::span<float> theirs : group_->values) {
      check(theirs.size() == values.size(), "workers reduce arrays of different lengths");
      parts.push_back(theirs.data() + piece.first);
    }
    sum_in_rank_order(parts, values.subspan(piece.first, piece.count));
  }

  const std::shared_ptr<Group> group_;
  const uint32_t rank_, ranks_;
};

}  // namespace

std::vector<std::unique_ptr<Collective>> make_memory_collectives(uint32_t ranks) {
  const auto group = std::make_shared<Group>(ranks);
  std::vector<std::unique_ptr<Collective>> collectives;
  for (uint32_t rank = 0; rank < ranks; ++rank)
    collectives.push_back(std::make_unique<MemoryCollective>(group, rank, ranks));
  return collectives;
}

}  // namespace cairn::collective
