// A whole message: four ZeroMQ parts, always.
//
//   header     64 bytes
//   directory  24 bytes per table
//   keys       of a request: 8 bytes each, strictly ascending inside an entry of the directory.
//              Of a pull's reply: for each entry with a changed_since one bit per key, from the
//              lowest of each byte on, whole bytes per entry: set where the row has not changed
//   values     count x dim x size_of(dtype) per entry: gradients of a push, weights of a pull's
//              reply, there without the rows that have not changed;
//              of any other reply, text: what went wrong, or JSON
//
// Parts may start at any address, so keys and values are read by memcpy or unaligned loads.
#pragma once

#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "common/hash.h"
#include "common/result.h"
#include "common/wire/header.h"

namespace cairn {

inline constexpr size_t kMessageParts = 4;

// Move-only; owns its parts.
struct Message {
  Header header;
  std::vector<TableEntry> directory;
  zmq::message_t keys;
  zmq::message_t values;

  size_t key_count() const { return keys.size() / sizeof(Key); }
  Key key(size_t i) const {
    Key key;
    std::memcpy(&key, static_cast<const char*>(keys.data()) + i * sizeof(Key), sizeof key);
    return key;
  }
  std::string_view text() const { return {static_cast<const char*>(values.data()), values.size()}; }
};

// The size of the bits that stand in the place of keys, in an entry of a pull's reply.
inline size_t unchanged_bytes(const TableEntry& entry) {
  return entry.changed_since == 0 ? 0 : (size_t{entry.count} + 7) / 8;
}
inline bool is_unchanged(const uint8_t* bits, size_t key) {
  return (bits[key / 8] >> (key % 8) & 1) != 0;
}
inline void set_unchanged(uint8_t* bits, size_t key) {
  bits[key / 8] = static_cast<uint8_t>(bits[key / 8] | 1u << (key % 8));
}

// Whether a parsed message answers this pull. It must have the pull's entries, each with the
// changed_since asked for or 0.
bool answers(const Message& reply, const Message& pull);

// Validates the parts of a received message before anything reads them: sizes against the bytes
// that came, every bound of header.h, the order of tables and keys. `parts` are consumed. Errors:
// kInvalidArgument, with a reason that can be sent back.
Result<Message> parse_message(std::span<zmq::message_t> parts);

// Reads a header from a part that may be anything. Error replies to messages that did not parse use
// it.
Header header_of(const zmq::message_t& part);

// The parts of a message, in order, ready to send. The message is consumed.
std::vector<zmq::message_t> to_parts(Message message);

// The same message again; its parts share memory.
Message share(Message& message);

// A reply to `request` that carries only text.
Message text_reply(const Header& request, StatusCode status, std::string_view text);

}  // namespace cairn
