#include "common/wire/message.h"

#include <algorithm>
#include <bit>
#include <utility>

namespace cairn {

namespace {

Error invalid(std::string why) { return {ErrorCode::kInvalidArgument, std::move(why)}; }

Status check_header(const Header& header, size_t directory_bytes) {
  if (header.magic != kWireMagic) return invalid("not a Cairn message");
  if (header.version != kWireVersion) {
    return invalid("wire version " + std::to_string(header.version) + ", this process speaks " +
                   std::to_string(kWireVersion));
  }
  if (header.op < Op::kPull || header.op > Op::kCheckpoint) return invalid("unknown op");
  if (header.status > StatusCode::kFailed) return invalid("unknown status");
  if (std::ranges::any_of(header.reserved, [](uint8_t byte) { return byte != 0; }))
    return invalid("reserved bytes of the header are not zero");
  if (header.tables > (header.op == Op::kPull ? kEntriesMax : kTablesMax))
    return invalid("too many tables");
  if (directory_bytes != header.tables * sizeof(TableEntry))
    return invalid("directory cut short or too long");
  return Ok{};
}

struct Totals {
  uint64_t keys = 0, value_bytes = 0, unchanged_bytes = 0;
};

bool follows(const TableEntry& entry, const TableEntry& before, Op op) {
  if (entry.table != before.table) return entry.table > before.table;
  return op == Op::kPull && entry.changed_since >= before.changed_since;
}

// Bounds come first: with them no product or sum below can overflow (2^13 entries x 2^24 keys x
// 2^12 values x 4 bytes = 2^51).
Result<Totals> check_directory(std::span<const TableEntry> directory, Op op) {
  Totals totals;
  for (size_t i = 0; i < directory.size(); ++i) {
    const TableEntry& entry = directory[i];
    const auto refuse = [&](const char* why) {
      return invalid("table " + std::to_string(entry.table) + ": " + why);
    };
    if (i > 0 && !follows(entry, directory[i - 1], op)) return refuse("out of order");
    if (entry.count > kKeysMax) return refuse("too many keys");
    if (entry.dim > kDimMax) return refuse("dim too large");
    if (entry.dtype > ValueType::kBfloat16) return refuse("unknown type of values");
    if (std::ranges::any_of(entry.reserved, [](uint8_t byte) { return byte != 0; }))
      return refuse("reserved bytes are not zero");
    totals.keys += entry.count;
    totals.value_bytes += uint64_t{entry.count} * entry.dim * size_of(entry.dtype);
    totals.unchanged_bytes += unchanged_bytes(entry);
  }
  return totals;
}

// Limits what may stand in keys and values: a pull asks with keys alone, a push has both,
// everything else that has no directory carries text.
Status check_request(const Header& header, const Totals& totals, size_t key_bytes,
                     size_t value_bytes) {
  const bool rows = header.op == Op::kPull || header.op == Op::kPush;
  if (header.tables > 0 && (!rows || header.status != StatusCode::kOk))
    return invalid("tables where only text may stand");
  if (key_bytes % sizeof(Key) != 0) return invalid("keys cut short or too long");
  if (header.tables == 0) {
    if (key_bytes > 0) return invalid("keys without a table");
    return Ok{};
  }
  if (key_bytes != totals.keys * sizeof(Key)) return invalid("keys cut short or too long");
  if (value_bytes != (header.op == Op::kPull ? 0 : totals.value_bytes))
    return invalid("values cut short or too long");
  return Ok{};
}

// A pull's reply: bits in the place of keys, and the rows whose bits are not set.
Status check_rows(std::span<const TableEntry> directory, const uint8_t* bits, size_t value_bytes) {
  uint64_t expected = 0;
  for (const TableEntry& entry : directory) {
    uint64_t rows = entry.count;
    if (const size_t bytes = unchanged_bytes(entry); bytes > 0) {
      if (entry.count % 8 != 0 && bits[bytes - 1] >> (entry.count % 8) != 0)
        return invalid("table " + std::to_string(entry.table) + ": bits behind those of its keys");
      for (size_t i = 0; i < bytes; ++i) rows -= static_cast<uint64_t>(std::popcount(bits[i]));
      bits += bytes;
    }
    expected += rows * entry.dim * size_of(entry.dtype);
  }
  return value_bytes == expected ? Status(Ok{}) : invalid("values cut short or too long");
}

// Keys strictly ascend inside a table. Branch-free inside, as honest messages have millions of
// keys.
bool ascend(const char* keys, size_t count) {
  bool ordered = true;
  for (size_t i = 1; i < count; ++i) {
    Key before, key;
    std::memcpy(&before, keys + (i - 1) * sizeof(Key), sizeof before);
    std::memcpy(&key, keys + i * sizeof(Key), sizeof key);
    ordered &= before < key;
  }
  return ordered;
}

}  // namespace

Result<Message> parse_message(std::span<zmq::message_t> parts) {
  if (parts.size() != kMessageParts) {
    return invalid("a message has " + std::to_string(kMessageParts) + " parts, not " +
                   std::to_string(parts.size()));
  }
  if (parts[0].size() != sizeof(Header)) return invalid("header cut short or too long");
  Message message;
  std::memcpy(&message.header, parts[0].data(), sizeof(Header));
  if (const Status status = check_header(message.header, parts[1].size()); !status.ok())
    return status.error();

  message.directory.resize(message.header.tables);
  if (!message.directory.empty())
    std::memcpy(message.directory.data(), parts[1].data(), parts[1].size());
  const Result<Totals> checked = check_directory(message.directory, message.header.op);
  if (!checked.ok()) return checked.error();
  const Totals& totals = checked.value();
  const size_t key_bytes = parts[2].size(), value_bytes = parts[3].size();
  const char* keys = static_cast<const char*>(parts[2].data());
  // A request has 8 bytes per key there, a reply a bit at most.
  const bool rows = message.header.op == Op::kPull && message.header.status == StatusCode::kOk &&
                    totals.keys > 0 && key_bytes == totals.unchanged_bytes;
  if (rows) {
    if (const Status status = check_rows(message.directory, parts[2].data<uint8_t>(), value_bytes);
        !status.ok())
      return status.error();
  } else {
    if (const Status status = check_request(message.header, totals, key_bytes, value_bytes);
        !status.ok())
      return status.error();
    for (const TableEntry& entry : message.directory) {
      if (!ascend(keys, entry.count))
        return invalid("table " + std::to_string(entry.table) + ": keys do not ascend");
      keys += entry.count * sizeof(Key);
    }
  }
  message.keys = std::move(parts[2]);
  message.values = std::move(parts[3]);
  return message;
}

bool answers(const Message& reply, const Message& pull) {
  size_t bits = 0;
  for (const TableEntry& entry : reply.directory) bits += unchanged_bytes(entry);
  return reply.keys.size() == bits &&  // else it is a request itself
         std::ranges::equal(
             reply.directory, pull.directory, [](const TableEntry& its, const TableEntry& asked) {
               return its.table == asked.table && its.count == asked.count &&
                      its.dim == asked.dim && its.dtype == asked.dtype &&
                      (its.changed_since == asked.changed_since || its.changed_since == 0);
             });
}

Header header_of(const zmq::message_t& part) {
  Header header;
  std::memcpy(&header, part.data(), std::min(part.size(), sizeof header));
  return header;
}

std::vector<zmq::message_t> to_parts(Message message) {
  message.header.tables = static_cast<uint32_t>(message.directory.size());
  std::vector<zmq::message_t> parts;
  parts.reserve(kMessageParts);
  parts.emplace_back(&message.header, sizeof(Header));
  parts.emplace_back(message.directory.data(), message.directory.size() * sizeof(TableEntry));
  parts.push_back(std::move(message.keys));
  parts.push_back(std::move(message.values));
  return parts;
}

Message share(Message& message) {
  Message shared;
  shared.header = message.header;
  shared.directory = message.directory;
  shared.keys.copy(message.keys);
  shared.values.copy(message.values);
  return shared;
}

Message text_reply(const Header& request, StatusCode status, std::string_view text) {
  Message reply;
  reply.header = request;
  reply.header.magic = kWireMagic;  // the request may have been anything
  reply.header.version = kWireVersion;
  reply.header.status = status;
  reply.header.tables = 0;
  reply.header.flags = 0;
  std::ranges::fill(reply.header.reserved, uint8_t{0});
  reply.values = zmq::message_t(text.data(), text.size());
  return reply;
}

}  // namespace cairn
