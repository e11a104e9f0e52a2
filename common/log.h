// The process's log: spdlog's default logger, so that code writes spdlog::info("...", ...).
// A line says when, how bad and who: `2026-01-31 12:00:00.123 W [server 3] message`.
//
// Never log secrets (private keys) or what users own (feature keys, samples). The first few bad
// samples are the exception, by file and line.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace cairn {

// Sends the log to stderr and, where given, to the end of `file` too. `level` is trace, debug,
// info, warning, error or off. A later call replaces the settings of the one before. No other
// thread may log meanwhile. Errors: kInvalidArgument for an unknown level, kUnavailable if the file
// cannot be opened.
Status init_log(std::string_view role, uint32_t rank, std::string_view level,
                const std::optional<std::filesystem::path>& file = std::nullopt);

}  // namespace cairn
