#include "ps/shard/pulls.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

#include "ps/row/aligned_keys.h"

namespace cairn::ps {

namespace {
// Pulls that may wait (for their step, for a read, for room), per worker. A client has
// 2 x (prefetch + 1) open.
constexpr size_t kHeldMax = 256;
// Steps ahead of the last one applied that rows are pinned for. Rows of a pull further ahead are
// merely read again if they have to be.
constexpr uint64_t kPinAheadMax = 64;
// Reads after which a pull that pins nothing (read-only, or late, as one that comes again is) does
// pin, so that rows it has read stay until it is answered. Without it, where there is room for no
// clean row, a pull whose rows are partly here would read the others and lose these, for ever. It
// pins them for more steps with each read, as steps may be faster than its reads.
constexpr uint32_t kReadsUnpinnedMax = 2, kPinShiftMax = 10;

// Looking a pull's rows up before its turn is worth its time where one in so many was missing of
// late; where all are in memory it would double the work.
constexpr uint64_t kReadAheadShare = 64;

size_t bits_set(const zmq::message_t& bits) {
  size_t count = 0;
  for (size_t i = 0; i < bits.size(); ++i)
    count += static_cast<size_t>(std::popcount(bits.data<uint8_t>()[i]));
  return count;
}
}  // namespace

Pulls::Pulls(uint32_t workers, Uses uses) : workers_(workers), uses_(std::move(uses)) {}

void Pulls::on_pull(Request from, Message message) {
  const auto pull = std::make_shared<Pull>(Pull{std::move(from), std::move(message)});
  if (uses_.consistency.may_answer(pull->message.header)) return answer(pull);

  const Header& header = pull->message.header;
  for (PullPointer& deferred : deferred_) {
    const Header& other = deferred->message.header;
    if (other.worker != header.worker || other.sequence != header.sequence) continue;
    deferred = pull;  // it came again, perhaps over a new connection
    return;
  }
  if (!may_hold(*pull)) return;
  deferred_.push_back(pull);
  read_ahead(*pull);
}

void Pulls::read_ahead(const Pull& pull) {
  const uint32_t pin = pin_of(pull);
  const std::vector<TableEntry>& directory = pull.message.directory;
  // Rows of which something is known were read when that was told.
  const bool is_first = std::ranges::all_of(
      directory, [](const TableEntry& entry) { return entry.changed_since == 0; });
  if (pin == 0 || !is_first || !many_missing_ || pull.message.key_count() == 0) return;
  if (uses_.store.empty()) return;
  std::vector<RowKey> missing;
  std::vector<Key> copy;
  const char* keys = static_cast<const char*>(pull.message.keys.data());
  for (const TableEntry& entry : directory) {
    uses_.rows.pin(entry.table, aligned_keys(keys, entry.count, copy), pin, missing);
    keys += entry.count * sizeof(Key);
  }
  many_missing_ = missing.size() * kReadAheadShare > pull.message.key_count();
  if (missing.empty()) return;
  // Room for what is being read is taken. Where there is none now, its turn will wait for some.
  const uint64_t bytes = bytes_of(missing);
  if (!uses_.rows.tier().make_room(bytes_reading_ahead_ + bytes, uses_.clock.applied_step)) return;
  bytes_reading_ahead_ += bytes;
  const size_t reads =
      uses_.reads.read(std::move(missing), pin, [this, bytes] { bytes_reading_ahead_ -= bytes; });
  rows_read_ahead_ += reads;
  uses_.metrics.cold_reads.Increment(static_cast<double>(reads));
}

// False: too many wait already, and it is refused. One that goes on from one wait to the next gave
// up its place just before.
bool Pulls::may_hold(const Pull& pull) {
  const size_t held = deferred_.size() + waiting_for_room_.size() + reading_;
  if (held < kHeldMax * workers_) return true;
  uses_.replies.refuse(pull.from, StatusCode::kFailed, RefusalReason::kOther,
                       "too many pulls wait");
  return false;
}

void Pulls::release() {
  std::list<PullPointer> ready;
  for (auto at = deferred_.begin(); at != deferred_.end();) {
    const auto next = std::next(at);
    if (uses_.consistency.may_answer((*at)->message.header))
      ready.splice(ready.end(), deferred_, at);
    at = next;
  }
  for (const PullPointer& pull : ready) answer(pull);
}

uint32_t Pulls::pin_of(const Pull& pull) const {
  const Header& header = pull.message.header;
  const uint64_t applied = uses_.clock.applied_step;
  const bool of_a_coming_step = header.step > applied && header.step <= applied + kPinAheadMax;
  if ((header.flags & kPullReadOnly) == 0 && of_a_coming_step)
    return static_cast<uint32_t>(header.step);
  if (pull.reads < kReadsUnpinnedMax) return 0;
  return static_cast<uint32_t>(applied + (uint64_t{1} << std::min(pull.reads, kPinShiftMax)));
}

ShardRows::Absent Pulls::absent_rows_of(const Pull& pull) const {
  if (!uses_.store.empty()) return ShardRows::Absent::kUnknown;
  if (pin_of(pull) == 0) return ShardRows::Absent::kComputeOnly;
  return pull.may_grow || uses_.rows.tier().bytes() < uses_.rows.tier().hot_bytes()
             ? ShardRows::Absent::kMakeRow
             : ShardRows::Absent::kUnknown;
}

void Pulls::answer(const PullPointer& pull) {
  if (uses_.failure.has_value())
    return uses_.replies.text(pull->from, StatusCode::kFailed, uses_.failure->message);
  const Header& asked = pull->message.header;
  Message reply;
  reply.header = asked;
  if (uses_.consistency.is_due(asked)) reply.header.flags &= ~kPullSpeculative;
  // A step whose slots are still looked through is not claimed yet.
  reply.header.step = uses_.clock.whole_step();
  reply.directory = pull->message.directory;
  // The server that told what is known may have taken pushes that this one never saw.
  if (asked.server_run != uses_.replies.server_run())
    for (TableEntry& entry : reply.directory) entry.changed_since = 0;

  std::vector<RowKey> missing = copy_rows(*pull, reply);
  if (missing.empty()) {
    uses_.metrics.pull_rows.Increment(static_cast<double>(pull->message.key_count()));
    uses_.metrics.pull_rows_unchanged.Increment(static_cast<double>(bits_set(reply.keys)));
    if ((reply.header.flags & kPullSpeculative) == 0) {
      const uint64_t applied = uses_.clock.applied_step;
      uses_.metrics.staleness_steps.Set(
          asked.step > applied ? static_cast<double>(asked.step - 1 - applied) : 0);
    }
    return uses_.replies.send(pull->from, std::move(reply));
  }
  if (missing.size() * kReadAheadShare > pull->message.key_count()) many_missing_ = true;
  if (!may_hold(*pull)) return;
  if (!has_room(pull, bytes_of(missing))) return;
  if (uses_.store.empty()) return answer(pull);  // now there is room for placeholders
  ++pull->reads;
  ++reading_;
  const size_t reads = uses_.reads.read(std::move(missing), pin_of(*pull), [this, pull] {
    --reading_;
    answer(pull);
  });
  uses_.metrics.cold_reads.Increment(static_cast<double>(reads));
}

// Gives the reply its bits and values. Returns the keys of the pull that are neither in memory nor
// known to be absent; if there are any, the reply is of no use.
std::vector<RowKey> Pulls::copy_rows(const Pull& pull, Message& reply) {
  const uint32_t pin = pin_of(pull);
  const ShardRows::Absent absent = absent_rows_of(pull);
  size_t bytes_max = 0, unchanged = 0;
  for (const TableEntry& entry : reply.directory) {
    bytes_max += size_t{entry.count} * entry.dim * size_of(entry.dtype);
    unchanged += unchanged_bytes(entry);
  }
  reply.keys = zmq::message_t(unchanged);
  auto* bits = reply.keys.data<uint8_t>();
  std::fill_n(bits, unchanged, uint8_t{0});
  // How many rows it will be is known once they have been looked at.
  auto buffer = std::make_unique_for_overwrite<char[]>(bytes_max);
  char* weights = buffer.get();

  std::vector<RowKey> missing;
  std::vector<Key> copy;
  const char* keys = static_cast<const char*>(pull.message.keys.data());
  for (const TableEntry& entry : reply.directory) {
    weights = uses_.rows.read(entry.table, aligned_keys(keys, entry.count, copy), pin, absent,
                              {entry.changed_since, bits}, entry.dtype, weights, missing);
    keys += entry.count * sizeof(Key);
    bits += unchanged_bytes(entry);
  }
  if (!missing.empty()) return missing;
  const auto bytes = static_cast<size_t>(weights - buffer.get());
  reply.values = zmq::message_t(buffer.release(), bytes,
                                [](void* data, void*) { delete[] static_cast<char*>(data); });
  return missing;
}

uint64_t Pulls::bytes_of(std::span<const RowKey> rows) const {
  uint64_t bytes = 0;
  for (const RowKey& row : rows) bytes += uses_.rows.tier().table(row.table).row_bytes();
  return bytes;
}

// A pull waits for room only while write-back can make some: until a flush that begins now has
// ended. False: it waits.
bool Pulls::has_room(const PullPointer& pull, uint64_t bytes) {
  HotTier& tier = uses_.rows.tier();
  if (pull->may_grow) return true;
  if (tier.make_room(bytes, uses_.clock.applied_step) || tier.dirty_bytes() == 0) {
    pull->may_grow = true;
    return true;
  }
  pull->flush_to_wait = uses_.flush.begun() + 1;
  waiting_for_room_.push_back(pull);
  if (!uses_.flush.active()) uses_.flush.start();
  return false;
}

void Pulls::release_waiting_for_room() {
  std::vector<PullPointer> ready;
  std::erase_if(waiting_for_room_, [&](const PullPointer& pull) {
    if (pull->flush_to_wait > uses_.flush.ended()) return false;
    ready.push_back(pull);
    return true;
  });
  for (const PullPointer& pull : ready) {
    pull->may_grow = true;
    answer(pull);
  }
  if (!waiting_for_room_.empty() && !uses_.flush.active()) uses_.flush.start();
}

void Pulls::refuse_all() {
  for (const PullPointer& pull : deferred_)
    uses_.replies.text(pull->from, StatusCode::kFailed, uses_.failure->message);
  for (const PullPointer& pull : waiting_for_room_)
    uses_.replies.text(pull->from, StatusCode::kFailed, uses_.failure->message);
  deferred_.clear();
  waiting_for_room_.clear();
}

}  // namespace cairn::ps
