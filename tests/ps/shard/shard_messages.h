// Messages to a shard, for tests.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "common/wire/message.h"

namespace cairn::ps {

// The keys of one table, each with its gradient (empty in a pull).
using KeyValues = std::map<Key, std::vector<float>>;

inline Message rows_message(Header header, const std::map<uint32_t, KeyValues>& tables,
                            const std::vector<uint32_t>& dims) {
  Message message;
  std::vector<Key> keys;
  std::vector<float> values;
  for (const auto& [table, rows] : tables) {
    message.directory.push_back(
        {.table = table, .count = static_cast<uint32_t>(rows.size()), .dim = dims[table]});
    for (const auto& [key, gradient] : rows) {
      keys.push_back(key);
      values.insert(values.end(), gradient.begin(), gradient.end());
    }
  }
  header.tables = static_cast<uint32_t>(message.directory.size());
  message.header = header;
  message.keys = zmq::message_t(keys.data(), keys.size() * sizeof(Key));
  message.values = zmq::message_t(values.data(), values.size() * sizeof(float));
  return message;
}

inline Message text_message(Header header, const std::string& text) {
  Message message;
  message.header = header;
  message.values = zmq::message_t(text.data(), text.size());
  return message;
}

inline std::vector<float> floats_of(const Message& message) {
  std::vector<float> floats(message.values.size() / sizeof(float));
  if (!floats.empty())
    std::memcpy(floats.data(), message.values.data(), floats.size() * sizeof(float));
  return floats;
}

inline Message copy_of(const Message& message) {
  Message copy;
  copy.header = message.header;
  copy.directory = message.directory;
  copy.keys = zmq::message_t(message.keys.data(), message.keys.size());
  copy.values = zmq::message_t(message.values.data(), message.values.size());
  return copy;
}

}  // namespace cairn::ps
