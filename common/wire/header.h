// The fixed part of every message between workers and shards. Sent and read as these bytes,
// little-endian. A change of layout raises kWireVersion.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "common/value_type.h"

namespace cairn {

static_assert(std::endian::native == std::endian::little, "wire and files are little-endian");

inline constexpr uint32_t kWireMagic = 0x4E524943;  // "CIRN"
inline constexpr uint16_t kWireVersion = 2;

inline constexpr uint32_t kTablesMax = 4096;             // of a shard
inline constexpr uint32_t kEntriesMax = 2 * kTablesMax;  // of a directory
inline constexpr uint32_t kKeysMax = 16u << 20;          // of one entry
inline constexpr uint32_t kDimMax = 4096;
inline constexpr int64_t kMessageBytesMax = int64_t{2} << 30;  // of one part

enum class Op : uint8_t {
  kPull = 1,    // rows for a step
  kPush,        // gradients of a step
  kPing,        // answered at once, whatever waits
  kStats,       // answered with JSON
  kCheckpoint,  // once the step is applied and logged: writes the shard's part of a checkpoint
};

enum class StatusCode : uint8_t {
  kOk = 0,
  kBadMessage,        // malformed, or not what this shard serves
  kWrongIncarnation,  // another start of the job
  kWrongMap,          // keys of slots that another shard owns, or another map_version
  kOutOfOrder,        // `sequence` of the reply is the one expected
  kFailed,            // the shard could not: disk, store
};

enum PullFlag : uint32_t {
  // A speculative pull: never deferred, answered with what is applied now. The reply's `step` says
  // which. A reply without this flag is what the pull would have got without the flag: there is no
  // need to ask again.
  kPullSpeculative = 1,
  kPullReadOnly = 2,  // for evaluation: pins nothing
};

struct Header {
  uint32_t magic = kWireMagic;
  uint16_t version = kWireVersion;
  Op op = Op::kPull;
  StatusCode status = StatusCode::kOk;
  uint64_t incarnation = 0;
  // The server run. A reply names its own: when that changes, the client resends. A pull names the
  // server run whose replies told what is known; another server run answers with all rows.
  uint64_t server_run = 0;
  uint64_t sequence =
      0;              // of a push: per worker and shard, from 1, applied once; else a request id
  uint64_t step = 0;  // of the request; in the reply to a pull, the last step applied to its rows
  uint32_t worker = 0;
  uint32_t map_version = 0;
  uint32_t tables = 0;  // entries of the directory
  uint32_t flags = 0;
  uint8_t reserved[8] = {};
};
static_assert(sizeof(Header) == 64);
static_assert(std::has_unique_object_representations_v<Header>, "padding would send stray bytes");

// One table's part of a message. Directories ascend by table. In a pull and its reply a table may
// have several entries, ascending by changed_since. So keys whose rows are at hand and keys whose
// rows are not go in one message.
struct TableEntry {
  uint32_t table = 0;
  uint32_t count = 0;  // keys; in the keys part they stand after those of the tables before
  uint32_t dim = 0;
  ValueType dtype = ValueType::kFloat32;
  uint8_t reserved[3] = {};
  // In a pull: the rows are at hand as an answer of this `step` gave them; 0: they are not. In the
  // reply: the same number, or 0. With the same number, one bit per key tells which rows have not
  // changed since and are not sent. With 0, all rows are sent.
  uint64_t changed_since = 0;
};
static_assert(sizeof(TableEntry) == 24);
static_assert(std::has_unique_object_representations_v<TableEntry>);

}  // namespace cairn
