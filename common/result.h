// A value or the reason there is none: our stand-in for C++23's std::expected. Functions return it
// where the world can say no: disk, socket, peer, job file, data. A broken invariant is not an
// error: see common/check.h.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>

#include "common/check.h"

namespace cairn {

enum class ErrorCode : uint8_t {
  kInvalidArgument,  // the job file, the command line or a request is wrong
  kBadData,          // training, evaluation or checkpoint data is wrong
  kNotFound,
  kCorrupt,
  kUnavailable,  // disk, socket, peer or device
  kTimedOut,
  kInterrupted,
  kOutdated,  // live state that no longer counts: only a checkpoint can be gone back to
};

struct Error {
  ErrorCode code;
  std::string message;  // names the thing and the value: "row 42 has 32 floats, want 64"
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const { return state_.index() == 0; }

  // A call without ok() is a bug: it terminates with the error's message.
  T& value() & {
    check(ok(), ok() ? std::string_view{} : std::string_view(error().message));
    return std::get<0>(state_);
  }
  const T& value() const& {
    check(ok(), ok() ? std::string_view{} : std::string_view(error().message));
    return std::get<0>(state_);
  }
  T&& value() && {
    check(ok(), ok() ? std::string_view{} : std::string_view(error().message));
    return std::move(std::get<0>(state_));
  }
  const Error& error() const { return std::get<1>(state_); }

 private:
  std::variant<T, Error> state_;
};

struct Ok {};
using Status = Result<Ok>;

}  // namespace cairn
