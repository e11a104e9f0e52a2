// Decides whether this shard can serve a request, before anything acts on the request. A refused
// request is answered at once, with the reason. Thread safety: none.
#pragma once

#include <cstdint>

#include "common/slots.h"
#include "ps/hot/shard_rows.h"
#include "ps/shard/request.h"

namespace cairn::ps {

class RequestValidator {
 public:
  struct Expected {
    uint64_t incarnation;
    uint32_t workers;
    uint32_t map_version;
    SlotRange slots;
  };
  RequestValidator(const Expected& expected, const ShardRows& rows, Replies& replies)
      : expected_(expected), rows_(rows), replies_(replies) {}

  // False: the header is not that of a request to this shard, and the request was answered.
  bool validate_header(const Request& from, const Message& message);
  // Does the same for the tables and keys of a pull or push.
  bool validate_rows(const Request& from, const Message& message);

 private:
  const Expected expected_;
  const ShardRows& rows_;
  Replies& replies_;
};

}  // namespace cairn::ps
