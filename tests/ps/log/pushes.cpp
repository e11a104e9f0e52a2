#include "tests/ps/log/pushes.h"

#include <cstring>
#include <string_view>
#include <tuple>

namespace cairn::ps {

namespace {

std::string_view view_of(const zmq::message_t& part) {
  return {static_cast<const char*>(part.data()), part.size()};
}

}  // namespace

std::shared_ptr<const Message> random_push(RandomStream& random, uint64_t sequence,
                                           uint32_t keys_max) {
  auto push = std::make_shared<Message>();
  push->header.op = Op::kPush;
  push->header.sequence = sequence;
  push->header.step = sequence;
  std::vector<Key> keys;
  std::vector<float> values;
  for (uint32_t table = 0; table < 2 && random.next_below(5) > 0; ++table) {
    TableEntry entry;
    entry.table = table;
    entry.count = static_cast<uint32_t>(random.next_below(keys_max + 1));
    entry.dim = 8 << table;
    push->directory.push_back(entry);
    Key key = random.next_below(1000);
    for (uint32_t i = 0; i < entry.count; ++i, key += 1 + random.next_below(1000))
      keys.push_back(key);
    for (uint32_t i = 0; i < entry.count * entry.dim; ++i) values.push_back(random.next_normal());
  }
  push->header.tables = static_cast<uint32_t>(push->directory.size());
  if (!keys.empty()) push->keys.rebuild(keys.data(), keys.size() * sizeof(Key));
  if (!values.empty()) push->values.rebuild(values.data(), values.size() * sizeof(float));
  return push;
}

LogRecord push_record(Lsn lsn, std::shared_ptr<const Message> push) {
  LogRecord record;
  record.lsn = lsn;
  record.kind = RecordKind::kPush;
  record.push = std::move(push);
  return record;
}

LogRecord replay_start_record(Lsn lsn, Lsn replay_after, RandomStream& random) {
  LogRecord record;
  record.lsn = lsn;
  record.kind = RecordKind::kReplayStart;
  record.replay_after = replay_after;
  record.sequences.resize(random.next_below(5));
  for (WorkerSequence& worker : record.sequences) worker = {random.next_u64(), random.next_u64()};
  return record;
}

LogRecord delete_record(Lsn lsn, RandomStream& random) {
  LogRecord record;
  record.lsn = lsn;
  record.kind = RecordKind::kDelete;
  record.step = random.next_u64();
  record.deleted.resize(random.next_below(600));
  for (DeletedKey& deleted : record.deleted) deleted = {random.next_u64(), random.next_below(9)};
  return record;
}

bool same_record(const LogRecord& a, const LogRecord& b) {
  if (a.lsn != b.lsn || a.kind != b.kind) return false;
  if (a.kind == RecordKind::kReplayStart)
    return a.replay_after == b.replay_after && a.sequences == b.sequences;
  if (a.kind == RecordKind::kDelete) return a.step == b.step && a.deleted == b.deleted;
  const auto& [x, y] = std::tie(*a.push, *b.push);
  return std::memcmp(&x.header, &y.header, sizeof(Header)) == 0 &&
         x.directory.size() == y.directory.size() &&
         (x.directory.empty() || std::memcmp(x.directory.data(), y.directory.data(),
                                             x.directory.size() * sizeof(TableEntry)) == 0) &&
         view_of(x.keys) == view_of(y.keys) && view_of(x.values) == view_of(y.values);
}

}  // namespace cairn::ps
