// The way of a completion of the log or the store back to the shard's thread.
#pragma once

#include <functional>

namespace cairn::ps {

// Runs the call later, on the shard's thread, in the order of posting; may be used by any thread.
using Post = std::function<void(std::function<void()>)>;

}  // namespace cairn::ps
