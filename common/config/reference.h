// The reference of the job file, as Markdown: docs/config.md is its output.
#pragma once

#include <string>

namespace cairn {

std::string config_reference();

}  // namespace cairn
