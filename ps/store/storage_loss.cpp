#include "ps/store/storage_loss.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/atomic_file.h"
#include "common/file.h"

namespace cairn::ps {

namespace {

using Json = nlohmann::ordered_json;

constexpr char kLossesFile[] = "losses.json";
constexpr uint64_t kBytesMax = 64 << 20;

Json json_of(const std::vector<StorageLoss>& losses) {
  Json list = Json::array();
  for (const StorageLoss& loss : losses)
    list.push_back({{"file", loss.file},
                    {"offset", loss.offset},
                    {"first_lsn", loss.first_lsn},
                    {"last_lsn", loss.last_lsn},
                    {"records", loss.records()},
                    {"gradients", loss.gradients},
                    {"bytes", loss.bytes},
                    {"tables", loss.tables},
                    {"first_slot", loss.slots.first},
                    {"end_slot", loss.slots.last},
                    {"why", loss.why}});
  return list;
}

// Throws what nlohmann::json does where something is missing or of another type.
std::vector<StorageLoss> losses_of(const Json& list) {
  std::vector<StorageLoss> losses;
  for (const Json& json : list) {
    StorageLoss& loss = losses.emplace_back();
    json.at("file").get_to(loss.file);
    json.at("offset").get_to(loss.offset);
    json.at("first_lsn").get_to(loss.first_lsn);
    json.at("last_lsn").get_to(loss.last_lsn);
    json.at("gradients").get_to(loss.gradients);
    json.at("bytes").get_to(loss.bytes);
    json.at("tables").get_to(loss.tables);
    json.at("first_slot").get_to(loss.slots.first);
    json.at("end_slot").get_to(loss.slots.last);
    json.at("why").get_to(loss.why);
  }
  return losses;
}

// A path need not be UTF-8.
std::string text_of(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string to_json(const std::vector<StorageLoss>& losses) { return text_of(json_of(losses), -1); }

Result<std::vector<StorageLoss>> noted_losses(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / kLossesFile;
  const Result<std::string> text = read_whole_file(path, kBytesMax);
  if (!text.ok() && text.error().code == ErrorCode::kNotFound) return std::vector<StorageLoss>();
  if (!text.ok()) return text.error();
  try {
    return losses_of(Json::parse(text.value()));
  } catch (const Json::exception& problem) {
    return Error{ErrorCode::kCorrupt, fmt::format("{}: {}", path.string(), problem.what())};
  }
}

Status note_losses(const std::filesystem::path& folder, const std::vector<StorageLoss>& losses) {
  if (losses.empty()) return Ok{};
  Result<std::vector<StorageLoss>> all = noted_losses(folder);
  if (!all.ok()) return all.error();
  for (const StorageLoss& loss : losses) {
    const bool noted = std::ranges::any_of(all.value(), [&](const StorageLoss& other) {
      return loss.file == other.file && loss.first_lsn == other.first_lsn &&
             loss.slots == other.slots;
    });
    if (!noted) all.value().push_back(loss);
  }
  return write_file_atomically(folder / kLossesFile, text_of(json_of(all.value()), 2) + "\n");
}

}  // namespace cairn::ps
