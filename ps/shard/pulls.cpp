// Pulls: deferred until their step, answered from memory, or once the store has answered.
#include <algorithm>
#include <bit>
#include <memory>
#include <utility>

#include "ps/row/aligned_keys.h"
#include "ps/shard/shard.h"

namespace cairn {

namespace {
// Pulls that may wait (for their step, for a read, for room), a worker. A client has 2 x (prefetch
// + 1) open.
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

void Shard::on_pull(Request from, Message message) {
  if (!validate_rows(from, message)) return;
  const auto pull = std::make_shared<Pull>(Pull{std::move(from), std::move(message)});
  if (may_read(pull->message.header)) return answer(pull);

  const Header& header = pull->message.header;
  for (PullPointer& deferred : deferred_pulls_) {
    const Header& other = deferred->message.header;
    if (other.worker != header.worker || other.sequence != header.sequence) continue;
    deferred = pull;  // it came again, perhaps over a new connection
    return;
  }
  if (!may_hold(*pull)) return;
  deferred_pulls_.push_back(pull);
  read_ahead(*pull);
}

void Shard::read_ahead(const Pull& pull) {
  const uint32_t pin = pin_of(pull);
  const std::vector<TableEntry>& directory = pull.message.directory;
  // Rows of which something is known were read when that was told.
  const bool is_first = std::ranges::all_of(
      directory, [](const TableEntry& entry) { return entry.changed_since == 0; });
  if (pin == 0 || !is_first || !many_missing_ || pull.message.key_count() == 0) return;
  if (environment_.store.empty()) return;
  std::vector<RowKey> missing;
  std::vector<Key> copy;
  const char* keys = static_cast<const char*>(pull.message.keys.data());
  for (const TableEntry& entry : directory) {
    rows_->pin(entry.table, aligned_keys(keys, entry.count, copy), pin, missing);
    keys += entry.count * sizeof(Key);
  }
  many_missing_ = missing.size() * kReadAheadShare > pull.message.key_count();
  if (missing.empty()) return;
  // Room for what is being read is taken. Where there is none now, its turn will wait for some.
  const uint64_t bytes = bytes_of(missing);
  if (!rows_->tier().make_room(bytes_reading_ahead_ + bytes, assembler_.applied_step())) return;
  bytes_reading_ahead_ += bytes;
  const size_t reads =
      reads_.read(std::move(missing), pin, [this, bytes] { bytes_reading_ahead_ -= bytes; });
  rows_read_ahead_ += reads;
  metrics_.cold_reads.Increment(static_cast<double>(reads));
}

// False: too many wait already, and it is refused. One that goes on from one wait to the next gave
// up its place just before.
bool Shard::may_hold(const Pull& pull) {
  const size_t held = deferred_pulls_.size() + waiting_for_room_.size() + pulls_reading_;
  if (held < kHeldMax * options_.workers) return true;
  refuse(pull.from, StatusCode::kFailed, RefusalReason::kOther, "too many pulls wait");
  return false;
}

bool Shard::may_read(const Header& pull) const {
  return (pull.flags & kPullSpeculative) != 0 || is_due(pull);
}

bool Shard::is_due(const Header& pull) const {
  return pull.step <= assembler_.applied_step() + 1 && commit_lsn_ <= acknowledged_ && !examining_;
}

void Shard::release_pulls() {
  std::list<PullPointer> ready;
  for (auto at = deferred_pulls_.begin(); at != deferred_pulls_.end();) {
    const auto next = std::next(at);
    if (may_read((*at)->message.header)) ready.splice(ready.end(), deferred_pulls_, at);
    at = next;
  }
  for (const PullPointer& pull : ready) answer(pull);
}

uint32_t Shard::pin_of(const Pull& pull) const {
  const Header& header = pull.message.header;
  const uint64_t applied = assembler_.applied_step();
  const bool of_a_coming_step = header.step > applied && header.step <= applied + kPinAheadMax;
  if ((header.flags & kPullReadOnly) == 0 && of_a_coming_step)
    return static_cast<uint32_t>(header.step);
  if (pull.reads < kReadsUnpinnedMax) return 0;
  return static_cast<uint32_t>(applied + (uint64_t{1} << std::min(pull.reads, kPinShiftMax)));
}

ShardRows::Absent Shard::absent_rows_of(const Pull& pull) const {
  if (!environment_.store.empty()) return ShardRows::Absent::kUnknown;
  if (pin_of(pull) == 0) return ShardRows::Absent::kComputeOnly;
  return pull.may_grow || rows_->tier().bytes() < rows_->tier().hot_bytes()
             ? ShardRows::Absent::kMakeRow
             : ShardRows::Absent::kUnknown;
}

void Shard::answer(const PullPointer& pull) {
  if (failure_.has_value()) return reply(pull->from, StatusCode::kFailed, failure_->message);
  const Header& asked = pull->message.header;
  Message reply;
  reply.header = asked;
  if (is_due(asked)) reply.header.flags &= ~kPullSpeculative;
  // A step whose rows are still being examined is not claimed yet.
  reply.header.step =
      assembler_.applied_step() - (examining_ && assembler_.applied_step() > 0 ? 1 : 0);
  reply.directory = pull->message.directory;
  // The server that told what is known may have taken pushes that this one never saw.
  if (asked.server_run != options_.server_run)
    for (TableEntry& entry : reply.directory) entry.changed_since = 0;

  std::vector<RowKey> missing = copy_rows(*pull, reply);
  if (missing.empty()) {
    metrics_.pull_rows.Increment(static_cast<double>(pull->message.key_count()));
    metrics_.pull_rows_unchanged.Increment(static_cast<double>(bits_set(reply.keys)));
    if ((reply.header.flags & kPullSpeculative) == 0) {
      const uint64_t applied = assembler_.applied_step();
      metrics_.staleness_steps.Set(
          asked.step > applied ? static_cast<double>(asked.step - 1 - applied) : 0);
    }
    return send(pull->from, std::move(reply));
  }
  if (missing.size() * kReadAheadShare > pull->message.key_count()) many_missing_ = true;
  if (!may_hold(*pull)) return;
  if (!has_room(pull, bytes_of(missing))) return;
  if (environment_.store.empty()) return answer(pull);  // now there is room for placeholders
  ++pull->reads;
  ++pulls_reading_;
  const size_t reads = reads_.read(std::move(missing), pin_of(*pull), [this, pull] {
    --pulls_reading_;
    answer(pull);
  });
  metrics_.cold_reads.Increment(static_cast<double>(reads));
}

// Gives the reply its bits and values. Returns the keys of the pull that are neither in memory nor
// known to be absent; if there are any, the reply is of no use.
std::vector<RowKey> Shard::copy_rows(const Pull& pull, Message& reply) {
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
    weights = rows_->read(entry.table, aligned_keys(keys, entry.count, copy), pin, absent,
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

uint64_t Shard::bytes_of(std::span<const RowKey> rows) const {
  uint64_t bytes = 0;
  for (const RowKey& row : rows) bytes += rows_->tier().table(row.table).row_bytes();
  return bytes;
}

// A pull waits for room only while write-back can make some: until a flush that begins now has
// ended. False: it waits.
bool Shard::has_room(const PullPointer& pull, uint64_t bytes) {
  HotTier& tier = rows_->tier();
  if (pull->may_grow) return true;
  if (tier.make_room(bytes, assembler_.applied_step()) || tier.dirty_bytes() == 0) {
    pull->may_grow = true;
    return true;
  }
  pull->flush_to_wait = flushes_begun_ + 1;
  waiting_for_room_.push_back(pull);
  if (!write_back_.active()) start_flush();
  return false;
}

void Shard::release_pulls_waiting_for_room() {
  std::vector<PullPointer> ready;
  std::erase_if(waiting_for_room_, [&](const PullPointer& pull) {
    if (pull->flush_to_wait > flushes_ended_) return false;
    ready.push_back(pull);
    return true;
  });
  for (const PullPointer& pull : ready) {
    pull->may_grow = true;
    answer(pull);
  }
  if (!waiting_for_room_.empty() && !write_back_.active()) start_flush();
}

}  // namespace cairn
