// Requests and replies that travel as JSON in the values part of a message. Each has one struct,
// which is written and read here alone. Readers are strict: other JSON is kCorrupt, with the
// reason. Thread safety: pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "common/slots.h"

namespace cairn {

// The reply to a PING.
struct Pong {
  std::optional<uint64_t> applied_step;
  std::vector<uint32_t> missing;     // workers whose push of the next step has not come
  std::optional<uint64_t> accepted;  // the last push of the worker that asks
  friend bool operator==(const Pong&, const Pong&) = default;
};

struct CheckpointRequest {
  std::string folder;  // a new one, in a folder that is there
  friend bool operator==(const CheckpointRequest&, const CheckpointRequest&) = default;
};

struct CheckpointReply {
  struct File {
    std::string name;  // in the folder
    uint64_t bytes = 0;
    friend bool operator==(const File&, const File&) = default;
  };
  std::vector<File> files;
  SlotRange slots;
  std::optional<std::vector<uint64_t>> rows;  // per table; none where that is not known
  friend bool operator==(const CheckpointReply&, const CheckpointReply&) = default;
};

std::string to_json(const Pong& pong);
std::string to_json(const CheckpointRequest& request);
std::string to_json(const CheckpointReply& reply);

Result<Pong> parse_pong(std::string_view text);
Result<CheckpointRequest> parse_checkpoint_request(std::string_view text);
Result<CheckpointReply> parse_checkpoint_reply(std::string_view text);

}  // namespace cairn
