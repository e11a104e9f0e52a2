#include "tests/worker/collective/fake_nccl.h"

#include <algorithm>
#include <chrono>
#include <map>

#include "worker/collective/rank_order.h"
#include "worker/math/device/host_device.h"

namespace cairn::collective {

// The all-reduces of all ranks with the same number.
struct FakeNccl::Sum {
  size_t count = 0;
  uint32_t called = 0, read = 0;
  std::vector<std::vector<float>> parts;  // by rank
};

struct NcclCommunicator {
  struct Pending {
    FakeNccl::Sum* sum;
    float* values;
    math::Stream stream;
  };

  uint32_t rank = 0;
  math::HostDevice* device = nullptr;
  bool finalizing = false, ended = false;
  bool bereft = false;  // another rank does not come to a sum that this one takes part in
  uint64_t sums = 0;
  std::optional<Pending> pending;  // not on its stream yet
  FakeNccl::Calls calls;
};

struct FakeNccl::State {
  mutable std::mutex mutex;
  std::condition_variable changed;
  uint32_t ranks = 0, connected = 0;
  NcclFaults faults;
  bool counts_differ = false;
  std::vector<NcclCommunicator> communicators;  // by rank
  std::map<uint64_t, Sum> sums;                 // by number

  bool one_ended() const {
    return std::any_of(communicators.begin(), communicators.end(),
                       [](const NcclCommunicator& one) { return one.calls.aborted > 0; });
  }
};

namespace {

FakeNccl* current = nullptr;

FakeNccl::State& all() { return *current->state; }

// Every function begins with this. Gives a result where the function may not go on.
std::optional<NcclResult> refused(NcclCommunicator& communicator) {
  if (!communicator.ended) return std::nullopt;
  ++communicator.calls.after_the_end;
  return FakeNccl::kInvalidArgument;
}

NcclResult make_id(NcclId& id) {
  id.fill('i');
  return all().faults.no_id ? FakeNccl::kSystemError : NcclResult::kSuccess;
}

NcclResult init_rank(NcclCommunicator*& communicator, uint32_t ranks, const NcclId& id,
                     uint32_t rank) {
  const std::lock_guard lock(all().mutex);
  if (rank == all().faults.init_refused) return FakeNccl::kSystemError;
  if (ranks != all().ranks || id[0] != 'i') return FakeNccl::kInvalidArgument;
  communicator = &all().communicators[rank];
  communicator->device = &math::HostDevice::of_this_thread();
  if (rank != all().faults.never_connects) ++all().connected;
  return NcclResult::kInProgress;
}

// At its turn on the stream: reads this rank's part.
void read_part(NcclCommunicator& communicator, FakeNccl::Sum& sum, const float* values) {
  const std::lock_guard lock(all().mutex);
  if (communicator.ended) return;
  sum.parts[communicator.rank].assign(values, values + sum.count);
  ++sum.read;
  all().changed.notify_all();
}

// At its turn on the stream: waits for the others' parts and writes the sum.
void write_sum(NcclCommunicator& communicator, FakeNccl::Sum& sum, float* values) {
  std::unique_lock lock(all().mutex);
  // A rank that waits here while another waits for it elsewhere is a mistake: it must not hang.
  (void)all().changed.wait_for(lock, std::chrono::seconds(10), [&] {
    return sum.read == all().ranks || communicator.ended || all().one_ended();
  });
  if (communicator.ended) return;
  communicator.bereft = sum.read < all().ranks;
  if (communicator.bereft) return;
  std::vector<const float*> parts;
  for (const std::vector<float>& part : sum.parts) parts.push_back(part.data());
  sum_in_rank_order(parts, {values, sum.count});
}

NcclResult state_of(NcclCommunicator* communicator) {
  std::unique_lock lock(all().mutex);
  if (const auto result = refused(*communicator)) return *result;
  FakeNccl::State& shared = all();
  if (communicator->rank == shared.faults.error && communicator->sums > shared.faults.from_sum)
    return FakeNccl::kRemoteError;
  if (communicator->bereft) return FakeNccl::kRemoteError;
  if (shared.connected < shared.ranks) return NcclResult::kInProgress;
  if (communicator->rank == shared.faults.connects_badly) return FakeNccl::kSystemError;
  if (communicator->finalizing && shared.faults.never_finalizes) return NcclResult::kInProgress;
  if (!communicator->pending) return NcclResult::kSuccess;
  const NcclCommunicator::Pending pending = *communicator->pending;
  if (pending.sum->called < shared.ranks) return NcclResult::kInProgress;
  communicator->pending.reset();
  lock.unlock();  // work that is done at once takes it
  communicator->device->give(pending.stream,
                             [=] { read_part(*communicator, *pending.sum, pending.values); });
  communicator->device->give(pending.stream,
                             [=] { write_sum(*communicator, *pending.sum, pending.values); });
  return NcclResult::kSuccess;
}

NcclResult all_reduce(NcclCommunicator* communicator, float* values, size_t count,
                      math::Stream stream) {
  const std::lock_guard lock(all().mutex);
  if (const auto result = refused(*communicator)) return *result;
  FakeNccl::State& shared = all();
  if (communicator->pending || shared.connected < shared.ranks) {
    ++communicator->calls.too_early;
    return FakeNccl::kInvalidArgument;
  }
  ++communicator->calls.sums;
  const uint64_t number = communicator->sums++;
  FakeNccl::Sum& sum = shared.sums[number];
  if (sum.called == 0) sum.count = count;
  sum.parts.resize(shared.ranks);
  shared.counts_differ |= sum.count != count;
  const bool hangs = communicator->rank == shared.faults.hangs && number >= shared.faults.from_sum;
  const bool breaks = communicator->rank == shared.faults.error && number >= shared.faults.from_sum;
  if (sum.count == count && !hangs && !breaks) ++sum.called;
  communicator->pending = {&sum, values, stream};
  return NcclResult::kInProgress;
}

NcclResult finalize(NcclCommunicator* communicator) {
  const std::lock_guard lock(all().mutex);
  if (const auto result = refused(*communicator)) return *result;
  ++communicator->calls.finalized;
  communicator->finalizing = true;
  return NcclResult::kInProgress;
}

NcclResult destroy(NcclCommunicator* communicator) {
  const std::lock_guard lock(all().mutex);
  if (const auto result = refused(*communicator)) return *result;
  ++communicator->calls.destroyed;
  communicator->ended = true;
  return NcclResult::kSuccess;
}

NcclResult abort_all(NcclCommunicator* communicator) {
  const std::lock_guard lock(all().mutex);
  if (const auto result = refused(*communicator)) return *result;
  ++communicator->calls.aborted;
  communicator->ended = true;
  all().changed.notify_all();
  return NcclResult::kSuccess;
}

std::string text_of(NcclResult result) {
  return "fake error " + std::to_string(static_cast<int>(result));
}

constexpr NcclApi kApi = {make_id,  init_rank, state_of,  all_reduce,
                          finalize, destroy,   abort_all, text_of};

}  // namespace

FakeNccl::FakeNccl(uint32_t ranks, NcclFaults faults) : state(std::make_unique<State>()) {
  check(current == nullptr, "a second fake of NCCL");
  current = this;
  state->ranks = ranks;
  state->faults = faults;
  state->communicators.resize(ranks);
  for (uint32_t rank = 0; rank < ranks; ++rank) state->communicators[rank].rank = rank;
}

FakeNccl::~FakeNccl() { current = nullptr; }

const NcclApi& FakeNccl::api() const { return kApi; }

FakeNccl::Calls FakeNccl::calls(uint32_t rank) const {
  const std::lock_guard lock(state->mutex);
  return state->communicators[rank].calls;
}

bool FakeNccl::counts_differ() const {
  const std::lock_guard lock(state->mutex);
  return state->counts_differ;
}

}  // namespace cairn::collective
