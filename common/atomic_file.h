// Writes a small file whole: a reader, or a crash, sees the old content or the new, never a part.
#pragma once

#include <filesystem>
#include <string_view>

#include "common/result.h"

namespace cairn {

// Writes `content` beside `path`, syncs it, renames it into place and syncs the folder. Makes
// missing folders. Errors: kUnavailable, with the path and the system's reason. `path` is then as
// it was, or whole but perhaps not yet durable.
Status write_file_atomically(const std::filesystem::path& path, std::string_view content);

}  // namespace cairn
