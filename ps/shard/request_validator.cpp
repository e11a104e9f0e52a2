#include "ps/shard/request_validator.h"

namespace cairn::ps {

bool RequestValidator::validate_header(const Request& from, const Message& message) {
  const Header& header = message.header;
  const auto refused = [&](StatusCode status, RefusalReason reason, const std::string& why) {
    replies_.refuse(from, status, reason, why);
    return false;
  };
  if (header.incarnation != expected_.incarnation)
    return refused(StatusCode::kWrongIncarnation, RefusalReason::kIncarnation,
                   "this shard belongs to another start of the job");
  const uint32_t flags = header.op == Op::kPull ? kPullSpeculative | kPullReadOnly : 0;
  if ((header.flags & ~flags) != 0)
    return refused(StatusCode::kBadMessage, RefusalReason::kOther,
                   "flags " + std::to_string(header.flags) + " are not all known");
  if (header.op != Op::kPull && header.op != Op::kPush) return true;
  if (header.status != StatusCode::kOk)
    return refused(StatusCode::kBadMessage, RefusalReason::kOther, "a request has status ok");
  if (header.worker >= expected_.workers)
    return refused(
        StatusCode::kBadMessage, RefusalReason::kOther,
        "worker " + std::to_string(header.worker) + " of " + std::to_string(expected_.workers));
  if (header.map_version != expected_.map_version)
    return refused(StatusCode::kWrongMap, RefusalReason::kMapVersion,
                   "slot map " + std::to_string(header.map_version) + ", this shard has " +
                       std::to_string(expected_.map_version));
  if (header.step > kStepMax)
    return refused(StatusCode::kBadMessage, RefusalReason::kOther,
                   "step " + std::to_string(header.step) + " is too large");
  return true;
}

bool RequestValidator::validate_rows(const Request& from, const Message& message) {
  uint64_t keys = 0, value_bytes = 0;
  for (const TableEntry& entry : message.directory) {
    if (entry.table >= rows_.tables() || entry.dim != rows_.dim(entry.table)) {
      replies_.refuse(
          from, StatusCode::kBadMessage, RefusalReason::kWrongTable,
          "no table " + std::to_string(entry.table) + " of dim " + std::to_string(entry.dim));
      return false;
    }
    keys += entry.count;
    value_bytes += uint64_t{entry.count} * entry.dim * size_of(entry.dtype);
  }
  // The parser lets replies through as well: those have values where a request has none.
  const bool reply =
      keys != message.key_count() ||
      (message.values.size() > 0 && (message.directory.empty() || message.header.op == Op::kPull));
  if (reply) {
    replies_.refuse(from, StatusCode::kBadMessage, RefusalReason::kMalformed,
                    "a reply, not a request");
    return false;
  }
  // A pull is small beside its answer, which no peer would take.
  if (value_bytes > uint64_t{kMessageBytesMax}) {
    replies_.refuse(
        from, StatusCode::kBadMessage, RefusalReason::kOther,
        "rows of " + std::to_string(value_bytes) + " bytes, more than a message may have");
    return false;
  }
  if (expected_.slots == SlotRange{}) return true;
  for (size_t i = 0; i < message.key_count(); ++i) {
    if (expected_.slots.contains(slot_of(message.key(i)))) continue;
    replies_.refuse(from, StatusCode::kWrongMap, RefusalReason::kMapVersion,
                    "slot " + std::to_string(slot_of(message.key(i))) + " is not of this shard");
    return false;
  }
  return true;
}

}  // namespace cairn::ps
