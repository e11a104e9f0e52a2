#include "common/log.h"

#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <utility>
#include <vector>

namespace cairn {
namespace {

constexpr std::pair<std::string_view, spdlog::level::level_enum> kLevels[] = {
    {"trace", spdlog::level::trace}, {"debug", spdlog::level::debug},
    {"info", spdlog::level::info},   {"warning", spdlog::level::warn},
    {"error", spdlog::level::err},   {"off", spdlog::level::off},
};

const spdlog::level::level_enum* find_level(std::string_view name) {
  for (const auto& [known, level] : kLevels)
    if (known == name) return &level;
  return nullptr;
}

}  // namespace

Status init_log(std::string_view role, uint32_t rank, std::string_view level,
                const std::optional<std::filesystem::path>& file) {
  const spdlog::level::level_enum* const parsed = find_level(level);
  if (parsed == nullptr)
    return Error{ErrorCode::kInvalidArgument,
                 "unknown log level '" + std::string(level) +
                     "'; known: trace, debug, info, warning, error, off"};

  std::vector<spdlog::sink_ptr> sinks = {std::make_shared<spdlog::sinks::stderr_color_sink_mt>()};
  if (file) {
    try {
      sinks.push_back(std::make_shared<spdlog::sinks::basic_file_sink_mt>(file->string()));
    } catch (const spdlog::spdlog_ex& thrown) {
      return Error{ErrorCode::kUnavailable, thrown.what()};
    }
  }
  auto logger = std::make_shared<spdlog::logger>("cairn", sinks.begin(), sinks.end());
  logger->set_level(*parsed);
  logger->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%L%$ [" + std::string(role) + " " +
                      std::to_string(rank) + "] %v");
  logger->flush_on(spdlog::level::trace);  // a killed process keeps its last lines
  spdlog::set_default_logger(std::move(logger));
  return Ok{};
}

}  // namespace cairn
