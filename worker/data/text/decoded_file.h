// Compressed input is decoded once into a cache folder, so that it can be cut into blocks and read
// by many readers and processes. What tells compression is the content; the ending (.gz, .zst) must
// agree.
#pragma once

#include <string>

#include "common/result.h"

namespace cairn::data {

// Errors: as of `decoded_path`, but for those of damage and of the cache.
Result<bool> is_compressed(const std::string& path);

// The path of plain text with the content of `path`: `path` itself where it is not compressed, else
// a file in `cache` (created if missing). A decoded file is used again as long as path, size and
// time of change of the original are the same. Safe to call from many processes and threads at
// once: one decodes, under a lock, into a temporary file that is renamed when complete; the others
// wait for it. Errors, each naming the file: kNotFound; kBadData for a directory, an empty or
// unreadable file, damaged or truncated compression; kUnavailable where the cache cannot be
// written.
Result<std::string> decoded_path(const std::string& path, const std::string& cache);

}  // namespace cairn::data
