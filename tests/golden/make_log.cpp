// Writes a push log into argv[1] and its records, one a line, to stdout. make.sh compiles it
// against the tree whose format is to be kept; it was written for commit aad06af.
#include <fmt/format.h>

#include <atomic>
#include <cstdio>

#include "common/hash.h"
#include "ps/file_push_log.h"

using namespace cairn;

namespace {

LogRecord record_at(Lsn lsn) {
  LogRecord record;
  record.lsn = lsn;
  if (lsn == 1 || lsn == 9) {
    record.kind = RecordKind::kBase;
    record.base = lsn == 1 ? 0 : 4;
    record.sequences = {{lsn, lsn - 1}, {lsn + 7, lsn}};
  } else if (lsn == 6) {
    record.kind = RecordKind::kDelete;
    record.step = 3;
    for (uint64_t i = 0; i < 5; ++i) record.deleted.push_back({hash_key(i), i % 2});
  } else {
    auto push = std::make_shared<Message>();
    push->header.op = Op::kPush;
    push->header.sequence = push->header.step = lsn;
    push->header.incarnation = 0x1234567890abcdef;
    std::vector<Key> keys;
    std::vector<float> values;
    for (uint32_t table = 0; table < 2; ++table) {
      TableEntry entry;
      entry.table = table;
      entry.count = static_cast<uint32_t>(lsn * 20);
      entry.dim = 8u << table;
      push->directory.push_back(entry);
      for (uint32_t i = 0; i < entry.count; ++i) keys.push_back(lsn * 1000 + i * 3);
      for (uint32_t i = 0; i < entry.count * entry.dim; ++i)
        values.push_back(static_cast<float>(hash_key(lsn + i) % 1000) / 16.0f);
    }
    push->header.tables = 2;
    push->keys.rebuild(keys.data(), keys.size() * sizeof(Key));
    push->values.rebuild(values.data(), values.size() * sizeof(float));
    record.push = std::move(push);
  }
  return record;
}

// The sum of hash(place, byte): what golden_test.cpp computes of what it reads.
uint64_t sum_of(const zmq::message_t& part) {
  uint64_t sum = 0;
  for (size_t i = 0; i < part.size(); ++i)
    sum += hash_key(i << 8 | static_cast<const unsigned char*>(part.data())[i]);
  return sum;
}

}  // namespace

int main(int, char** argv) {
  constexpr Lsn kLast = 12;
  FilePushLogOptions options;
  options.folder = argv[1];
  options.durability = Durability::kMachine;
  options.bytes_max = 64 * (64 << 10);
  std::atomic<Lsn> logged = 0;
  auto log = FilePushLog::open(options, [&](Result<Lsn> lsn) { logged = lsn.value(); });
  for (Lsn lsn = 1; lsn <= kLast; ++lsn) {
    const LogRecord record = record_at(lsn);
    log.value()->append(record);
    fmt::print("{} kind {}", lsn, static_cast<int>(record.kind));
    if (record.kind == RecordKind::kBase) {
      fmt::print(" after {}", record.base);
      for (const WorkerSequence& worker : record.sequences)
        fmt::print(" {}/{}", worker.sequence, worker.applied_step);
    } else if (record.kind == RecordKind::kDelete) {
      fmt::print(" step {}", record.step);
      for (const DeletedKey& deleted : record.deleted)
        fmt::print(" {}/{}", deleted.key, deleted.table);
    } else {
      fmt::print(" step {} tables {} keys {:016x} values {:016x}", record.push->header.step,
                 record.push->directory.size(), sum_of(record.push->keys),
                 sum_of(record.push->values));
    }
    fmt::print("\n");
  }
  std::move(log).value().reset();
  return logged == kLast ? 0 : 1;
}
