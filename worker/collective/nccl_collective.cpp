#include "worker/collective/nccl_collective.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>
#include <utility>

#include "worker/collective/backoff.h"
#include "worker/collective/rank_order.h"

namespace cairn::collective {

namespace {

using Clock = std::chrono::steady_clock;

// How long launches that are under way may hold up the exchange of the control vectors. They end
// within microseconds, except those that wait for a rank that may be waiting for that exchange.
constexpr std::chrono::milliseconds kLaunchPatience{1};

// Between two looks at a sum: the GPU is idle from its end until it is seen.
constexpr std::chrono::microseconds kLookAgain{50};

std::string seconds(std::chrono::milliseconds time) {
  return time.count() % 1000 == 0 ? std::to_string(time.count() / 1000) + " s"
                                  : std::to_string(time.count()) + " ms";
}

// The pieces that `parts` leave of an array, ascending.
std::vector<Piece> gaps_between(std::vector<Piece> parts, size_t count) {
  std::sort(parts.begin(), parts.end(),
            [](const Piece& a, const Piece& b) { return a.first < b.first; });
  std::vector<Piece> gaps;
  size_t next = 0;
  for (const Piece& part : parts) {
    check(part.first >= next, "parts of a sum overlap");
    if (part.first > next) gaps.push_back({next, part.first - next});
    next = part.first + part.count;
  }
  check(next <= count, "a part of a sum lies outside of it");
  if (next < count) gaps.push_back({next, count - next});
  return gaps;
}

class NcclCollective final : public Collective {
 public:
  NcclCollective(Collective& host, math::Device& device, const NcclApi& api,
                 const NcclOptions& options)
      : host_(host),
        device_(device),
        api_(api),
        options_(options),
        stream_(device.make_stream()),
        ready_(device.make_event()),
        summed_(device.make_event()) {}

  ~NcclCollective() override {
    if (communicator_ == nullptr) return;
    // The other ranks may never begin what is still open here.
    if (!parts_.empty() || !leave()) abort();
  }

  // Finds the other ranks.
  Status connect(const NcclId& id) {
    const NcclResult result = api_.init_rank(communicator_, size(), id, rank());
    if (failed(result)) return fail("cannot join the others", result);
    const Result<bool> connected = wait(options_.timeout, [&] { return !busy_; });
    if (!connected.ok()) return connected.error();
    if (!connected.value())
      return fail({ErrorCode::kTimedOut,
                   "NCCL: " + name() + " does not find the others within " +
                       seconds(options_.timeout) +
                       "; NCCL_DEBUG=INFO says why, NCCL_SOCKET_IFNAME chooses the network"});
    return Ok{};
  }

  // Nothing goes on after this. Returns what failed first, here.
  Error fail(const Error& error) {
    if (!failure_) failure_ = error;
    abort();
    return *failure_;
  }

  uint32_t rank() const override { return host_.rank(); }
  uint32_t size() const override { return host_.size(); }
  bool lost() const override { return failure_.has_value() || host_.lost(); }

  void start(std::span<float> part) override {
    if (failure_ || part.empty()) return;
    wait_for_gradients();
    parts_.push_back(part);
    (void)advance();  // all_reduce returns what goes wrong
  }

  Result<std::vector<Control>> all_reduce(std::span<float> values, const Control& mine) override {
    if (failure_) return *failure_;
    // A rank that has failed may lack parts that the others have begun, and NCCL wants the same
    // ones in the same order: it begins no more before it knows which.
    if (mine.error == 0) add_rest(values);
    const Result<bool> launched = wait(kLaunchPatience, [&] { return all_launched(); });
    if (!launched.ok()) return launched.error();

    Result<std::vector<Control>> controls = host_.all_reduce({}, mine);
    if (!controls.ok()) return fail(controls.error());
    const bool one_failed = std::any_of(controls.value().begin(), controls.value().end(),
                                        [](const Control& control) { return control.error != 0; });
    if (one_failed)
      if (const Status followed = follow_the_others(values); !followed.ok())
        return followed.error();
    if (const Status summed = finish(values.size()); !summed.ok()) return summed.error();
    return controls;
  }

  Result<std::vector<std::string>> gather_to_first(std::string mine) override {
    if (failure_) return *failure_;
    auto all = host_.gather_to_first(std::move(mine));
    if (!all.ok()) return fail(all.error());
    return all;
  }

  Result<std::vector<std::string>> all_gather(std::string mine) override {
    if (failure_) return *failure_;
    auto all = host_.all_gather(std::move(mine));
    if (!all.ok()) return fail(all.error());
    return all;
  }

 private:
  static bool failed(NcclResult result) {
    return result != NcclResult::kSuccess && result != NcclResult::kInProgress;
  }

  Error fail(const std::string& what, NcclResult result) {
    return fail(
        {ErrorCode::kUnavailable, "NCCL: " + name() + " " + what + ": " + api_.text(result)});
  }

  std::string name() const {
    return "worker " + std::to_string(rank()) + " of " + std::to_string(size());
  }

  void abort() {
    if (communicator_ != nullptr) (void)api_.abort(communicator_);
    communicator_ = nullptr;
  }

  // Work given to the communication stream from now on follows the device's work so far.
  void wait_for_gradients() {
    device_.record(ready_, device_.stream());
    device_.wait(stream_, ready_);
  }

  bool all_launched() const { return !busy_ && launched_ == parts_.size(); }

  // Launches parts until NCCL is busy with one, and sees whether anything has gone wrong.
  Status advance() {
    while (true) {
      const NcclResult state = api_.state(communicator_);
      if (failed(state)) return fail("has met an error", state);
      busy_ = state == NcclResult::kInProgress;
      if (busy_ || launched_ == parts_.size()) return Ok{};
      const std::span<float> part = parts_[launched_++];
      const NcclResult result = api_.all_reduce(communicator_, part.data(), part.size(), stream_);
      if (failed(result)) return fail("cannot begin a sum", result);
    }
  }

  // Whether `done` within `time`, while NCCL goes on.
  template <typename Done>
  Result<bool> wait(std::chrono::milliseconds time, Done done) {
    Clock::time_point deadline = Clock::now() + time;
    bool a_rank_has_left = false;
    for (Backoff backoff(kLookAgain);; backoff.wait()) {
      if (const Status status = advance(); !status.ok()) return status.error();
      if (done()) return true;
      if (!a_rank_has_left && host_.lost()) {
        a_rank_has_left = true;
        deadline = std::min(deadline, Clock::now() + options_.grace);
      }
      if (Clock::now() < deadline) continue;
      if (!a_rank_has_left) return false;
      return fail({ErrorCode::kUnavailable, "a worker has left before gradients were summed"});
    }
  }

  // Begins what `values` hold besides the parts begun.
  void add_rest(std::span<float> values) {
    std::vector<Piece> begun;
    for (const std::span<float> part : parts_) begun.push_back(place_of(part, values));
    const std::vector<Piece> rest = gaps_between(std::move(begun), values.size());
    if (rest.empty()) return;
    wait_for_gradients();
    for (const Piece& piece : rest) parts_.push_back(values.subspan(piece.first, piece.count));
  }

  static Piece place_of(std::span<float> part, std::span<float> values) {
    const bool inside =
        std::less_equal<>{}(values.data(), part.data()) &&
        std::less_equal<>{}(part.data() + part.size(), values.data() + values.size());
    check(inside, "a part was begun that lies outside of the sum");
    return {static_cast<size_t>(part.data() - values.data()), part.size()};
  }

  // Begins what another rank has begun and this one has not. All ranks come here together.
  Status follow_the_others(std::span<float> values) {
    std::vector<Piece> mine;
    for (const std::span<float> part : parts_) mine.push_back(place_of(part, values));
    const auto all =
        host_.all_gather({reinterpret_cast<const char*>(mine.data()), mine.size() * sizeof(Piece)});
    if (!all.ok()) return fail(all.error());
    wait_for_gradients();
    const std::string& longest = *std::max_element(
        all.value().begin(), all.value().end(),
        [](const std::string& a, const std::string& b) { return a.size() < b.size(); });
    std::vector<Piece> pieces(longest.size() / sizeof(Piece));
    std::memcpy(pieces.data(), longest.data(), pieces.size() * sizeof(Piece));
    for (size_t i = 0; i < pieces.size(); ++i) {
      if (i < mine.size()) {
        check(mine[i].first == pieces[i].first && mine[i].count == pieces[i].count,
              "workers begin different parts of a sum");
      } else {
        parts_.push_back(values.subspan(pieces[i].first, pieces[i].count));
      }
    }
    add_rest(values);  // where every rank has failed
    return Ok{};
  }

  Status finish(size_t count) {
    if (parts_.empty()) return Ok{};
    Result<bool> done = wait(options_.timeout, [&] { return all_launched(); });
    if (done.ok() && done.value()) {
      device_.record(summed_, stream_);
      // Waited for here, so whatever the device's stream is given later finds the sums.
      done = wait(options_.timeout, [&] { return device_.done(summed_); });
    }
    if (!done.ok()) return done.error();
    if (!done.value())
      return fail({ErrorCode::kTimedOut,
                   "NCCL: the sum of " + std::to_string(count) + " numbers does not end on " +
                       name() + " within " + seconds(options_.timeout) +
                       "; a worker's GPU or its network hangs, NCCL_DEBUG=INFO says which"});
    parts_.clear();
    launched_ = 0;
    return Ok{};
  }

  // False where NCCL does not get to an end, or not in time.
  bool leave() {
    if (failed(api_.finalize(communicator_))) return false;
    const Result<bool> finalized = wait(options_.grace, [&] { return !busy_; });
    if (!finalized.ok() || !finalized.value()) return false;
    (void)api_.destroy(std::exchange(communicator_, nullptr));
    return true;
  }

  Collective& host_;
  math::Device& device_;
  const NcclApi& api_;
  const NcclOptions options_;
  const math::Stream stream_;
  const math::Event ready_;   // the device's stream: gradients stand
  const math::Event summed_;  // the communication stream
  NcclCommunicator* communicator_ = nullptr;
  std::vector<std::span<float>> parts_;  // begun since the last all_reduce, in their order
  size_t launched_ = 0;                  // of them, given to NCCL
  bool busy_ = false;                    // NCCL with what it was given last
  std::optional<Error> failure_;         // it lasts; then there is no communicator
};

// Rank 0's id on every rank: after one byte, which says whether there is one, else why not.
Result<NcclId> share_id(Collective& host, const NcclApi& api) {
  std::string packed;
  if (host.rank() == 0) {
    NcclId id{};
    const NcclResult made = api.make_id(id);
    packed = made == NcclResult::kSuccess
                 ? fmt::format("+{}", std::string_view(id.data(), id.size()))
                 : fmt::format("-{}", api.text(made));
  }
  const auto all = host.all_gather(std::move(packed));
  if (!all.ok()) return all.error();
  const std::string& first = all.value()[0];
  if (!first.starts_with('+'))
    return Error{ErrorCode::kUnavailable, "NCCL: worker 0 cannot make an id: " + first.substr(1)};
  NcclId id{};
  check(first.size() == 1 + id.size(), "an id of NCCL's has another length");
  std::copy(first.begin() + 1, first.end(), id.begin());
  return id;
}

// How connecting went on a rank, for the others: its error's code and message, or nothing.
std::string pack(const Status& connected) {
  if (connected.ok()) return "";
  return static_cast<char>(connected.error().code) + connected.error().message;
}

// The error that all ranks return: the first one that is not merely the lack of another rank.
std::optional<Error> first_failure(std::span<const std::string> packed) {
  std::optional<Error> first;
  for (const std::string& one : packed) {
    if (one.empty()) continue;
    const Error error{static_cast<ErrorCode>(one[0]), one.substr(1)};
    if (error.code != ErrorCode::kTimedOut) return error;
    if (!first) first = error;
  }
  return first;
}

}  // namespace

Result<std::unique_ptr<Collective>> make_nccl_collective(Collective& host, math::Device& device,
                                                         const NcclApi& api,
                                                         const NcclOptions& options) {
  const Result<NcclId> id = share_id(host, api);
  if (!id.ok()) return id.error();
  auto made = std::make_unique<NcclCollective>(host, device, api, options);
  const Status connected = made->connect(id.value());
  const auto all = host.all_gather(pack(connected));
  if (!all.ok()) return made->fail(all.error());
  if (const std::optional<Error> failure = first_failure(all.value())) {
    (void)made->fail(*failure);
    return *failure;
  }
  return std::unique_ptr<Collective>(std::move(made));
}

}  // namespace cairn::collective
