// The address at which a shard is reached, and the key by which it is known.
#pragma once

#include <string>
#include <string_view>

#include "common/result.h"

namespace cairn {

struct Endpoint {
  Endpoint() = default;
  Endpoint(std::string address_, std::string public_key_ = "")
      : address(std::move(address_)), public_key(std::move(public_key_)) {}

  // ZeroMQ's address: tcp://HOST:PORT, ipc://PATH or inproc://NAME, without a space.
  std::string address;
  // CURVE's public key, in Z85 (40 characters); empty: the connection is neither encrypted nor
  // authenticated.
  std::string public_key;

  // The endpoint as it travels in server specs and between ranks: the address, then a space and the
  // key, if there is a key. parse_endpoint reads it back.
  std::string text() const { return public_key.empty() ? address : address + " " + public_key; }
  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// Errors: kInvalidArgument for what is no endpoint; the message names the text.
Result<Endpoint> parse_endpoint(std::string_view text);

}  // namespace cairn
