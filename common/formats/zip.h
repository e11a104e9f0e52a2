// ZIP archives in memory, as far as .npz needs them: entries stored or deflated, below 4 GiB,
// neither encrypted nor split. Source: APPNOTE.TXT 6.3 of PKWARE, sections 4.3 to 4.5.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "common/result.h"

namespace cairn {

// Contents by name. Errors: kCorrupt, with what is wrong; nothing outside `archive` is touched.
Result<std::map<std::string, std::string>> unzip(std::string_view archive);

// Stores the entries without compression. Errors: kInvalidArgument where one entry, or all
// together, exceed the format's 4 GiB.
Result<std::string> zip(const std::map<std::string, std::string>& entries);

}  // namespace cairn
