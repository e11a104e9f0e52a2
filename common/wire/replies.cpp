#include "common/wire/replies.h"

#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

namespace cairn {
namespace {

using Json = nlohmann::json;

Error corrupt(const std::string& why) { return {ErrorCode::kCorrupt, why}; }

// An object, or null.
Json parse_object(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_object() ? json : Json();
}

// The member `name`, or null.
const Json& member(const Json& object, const char* name) {
  static const Json null;
  const auto found = object.find(name);
  return found == object.end() ? null : *found;
}

template <typename T>
bool read_numbers(const Json& list, std::vector<T>& numbers) {
  if (!list.is_array()) return false;
  for (const Json& number : list) {
    if (!number.is_number_unsigned() ||
        number.get<uint64_t>() > uint64_t{std::numeric_limits<T>::max()})
      return false;
    numbers.push_back(number.get<T>());
  }
  return true;
}

bool read_number(const Json& from, std::optional<uint64_t>& to) {
  if (from.is_null()) return true;
  if (!from.is_number_unsigned()) return false;
  to = from.get<uint64_t>();
  return true;
}

// A path may hold bytes that are no UTF-8.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string to_json(const Pong& pong) {
  Json json = {{"missing", pong.missing}};
  if (pong.applied_step) json["applied_step"] = *pong.applied_step;
  if (pong.accepted) json["accepted"] = *pong.accepted;
  return dump(json);
}

std::string to_json(const CheckpointRequest& request) { return dump({{"folder", request.folder}}); }

std::string to_json(const CheckpointReply& reply) {
  Json json = {{"files", Json::array()},
               {"slots", {reply.slots.first, reply.slots.last}},
               {"rows", nullptr}};
  if (reply.rows) json["rows"] = *reply.rows;
  for (const CheckpointReply::File& file : reply.files)
    json["files"].push_back({{"name", file.name}, {"bytes", file.bytes}});
  return dump(json);
}

Result<Pong> parse_pong(std::string_view text) {
  const Json json = parse_object(text);
  if (json.is_null()) return corrupt("a pong is a JSON object");
  Pong pong;
  const Json& missing = member(json, "missing");
  if (!read_number(member(json, "applied_step"), pong.applied_step) ||
      !read_number(member(json, "accepted"), pong.accepted) ||
      (!missing.is_null() && !read_numbers(missing, pong.missing)))
    return corrupt("a pong has numbers: applied_step, accepted and a list, missing");
  return pong;
}

Result<CheckpointRequest> parse_checkpoint_request(std::string_view text) {
  const Json json = parse_object(text);
  if (json.is_null()) return corrupt("a checkpoint names its folder: {\"folder\": ...}");
  const Json& folder = member(json, "folder");
  if (!folder.is_string()) return corrupt("a checkpoint names its folder: {\"folder\": ...}");
  return CheckpointRequest{folder.get<std::string>()};
}

Result<CheckpointReply> parse_checkpoint_reply(std::string_view text) {
  const Json json = parse_object(text);
  if (json.is_null()) return corrupt("the reply to a checkpoint is a JSON object");
  CheckpointReply reply;
  const Json& files = member(json, "files");
  if (!files.is_array()) return corrupt("the reply to a checkpoint lists its files");
  for (const Json& file : files) {
    if (!file.is_object()) return corrupt("a file has a name and bytes");
    const Json &name = member(file, "name"), &bytes = member(file, "bytes");
    if (!name.is_string() || !bytes.is_number_unsigned())
      return corrupt("a file has a name and bytes");
    reply.files.push_back({name.get<std::string>(), bytes.get<uint64_t>()});
  }
  std::vector<uint32_t> slots;
  if (!read_numbers(member(json, "slots"), slots) || slots.size() != 2)
    return corrupt("the reply to a checkpoint has slots: [first, last]");
  reply.slots = {slots[0], slots[1]};
  const Json& rows = member(json, "rows");
  if (!rows.is_null() && !read_numbers(rows, reply.rows.emplace()))
    return corrupt("rows are one number per table");
  return reply;
}

}  // namespace cairn
