#include "common/checkpoint/manifest.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

#include "common/checkpoint/manifest_json.h"
#include "common/file.h"
#include "common/stream_hash.h"

namespace cairn {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr char kManifest[] = "manifest.json";
constexpr uint64_t kManifestBytesMax = 64 << 20;

Error corrupt(const fs::path& path, std::string_view why) {
  return {ErrorCode::kCorrupt, fmt::format("{}: {}", path.string(), why)};
}

// Names come from job files, which need not be UTF-8: such bytes are replaced, as JSON cannot hold
// them.
std::string text_of(const json& value, int indent) {
  return value.dump(indent, ' ', false, json::error_handler_t::replace);
}

std::string hash_of(const json& manifest) {
  const std::string text = text_of(manifest, -1);
  return to_hex(hash_bytes(text.data(), text.size(), 0));
}

Result<CheckpointFile> hash_file(const fs::path& path, std::string name) {
  Result<File> file = File::open(path, O_RDONLY);
  if (!file.ok()) return file.error();
  const Result<uint64_t> bytes = file.value().size();
  if (!bytes.ok()) return bytes.error();
  StreamHash hash(StreamHash::Width::k128);
  std::vector<char> buffer(1 << 20);
  for (uint64_t at = 0; at < bytes.value();) {
    const size_t n = std::min<uint64_t>(buffer.size(), bytes.value() - at);
    if (const Status read = file.value().read_at(at, buffer.data(), n); !read.ok())
      return read.error();
    hash.add(buffer.data(), n);
    at += n;
  }
  return CheckpointFile{std::move(name), bytes.value(), to_hex(hash.digest128())};
}

// A link could lead out of the checkpoint, so none is followed, in no part of the name.
Status check_regular(const fs::path& checkpoint, const fs::path& name) {
  fs::path path = checkpoint;
  for (auto part = name.begin(); part != name.end(); ++part) {
    path /= *part;
    std::error_code error;
    const fs::file_type type = fs::symlink_status(path, error).type();
    if (type == fs::file_type::not_found)
      return Error{ErrorCode::kNotFound, fmt::format("{} is missing", path.string())};
    if (error) return system_error("examine", path, error.value());
    const bool last = std::next(part) == name.end();
    if (type != (last ? fs::file_type::regular : fs::file_type::directory))
      return corrupt(path, last ? "is not a plain file" : "is not a folder");
  }
  return Ok{};
}

Status check_file(const fs::path& checkpoint, const CheckpointFile& want) {
  if (const Status regular = check_regular(checkpoint, want.name); !regular.ok()) return regular;
  const fs::path path = checkpoint / want.name;
  std::error_code error;
  const uint64_t bytes = fs::file_size(path, error);
  if (error) return system_error("examine", path, error.value());
  if (bytes != want.bytes)
    return corrupt(path, fmt::format("has {} bytes, want {}", bytes, want.bytes));
  if (want.xxh128.empty()) return Ok{};
  const Result<CheckpointFile> have = hash_file(path, want.name);
  if (!have.ok()) return have.error();
  if (have.value().xxh128 != want.xxh128)
    return corrupt(path,
                   fmt::format("its checksum is {}, want {}", have.value().xxh128, want.xxh128));
  return Ok{};
}

Status check_slots(const fs::path& path, std::vector<CheckpointShard> shards) {
  std::sort(shards.begin(), shards.end(),
            [](const auto& a, const auto& b) { return a.slots.first < b.slots.first; });
  uint32_t next = 0;
  for (const CheckpointShard& shard : shards) {
    if (shard.slots.first != next || shard.slots.last < next)
      return corrupt(
          path, fmt::format("slots {} to {} are in no shard, or in two", next, shard.slots.first));
    next = shard.slots.last;
  }
  if (next != kSlots)
    return corrupt(path, fmt::format("slots {} to {} are in no shard", next, kSlots));
  return Ok{};
}

}  // namespace

std::string checksum_of(std::string_view bytes) {
  return to_hex(hash_bytes(bytes.data(), bytes.size(), 0));
}

std::string checkpoint_folder_name(uint64_t step) { return fmt::format("step-{:012}", step); }

std::optional<uint64_t> checkpoint_step_of(std::string_view name) {
  if (!name.starts_with("step-")) return std::nullopt;
  uint64_t step = 0;
  const auto parsed = std::from_chars(name.data() + 5, name.data() + name.size(), step);
  if (parsed.ec != std::errc{} || name != checkpoint_folder_name(step)) return std::nullopt;
  return step;
}

Result<CheckpointFile> describe_file(const fs::path& checkpoint, const std::string& name) {
  return hash_file(checkpoint / name, name);
}

Status commit_manifest(const fs::path& checkpoint, const CheckpointManifest& manifest) {
  std::set<fs::path> folders = {checkpoint};
  for (const CheckpointFile& file : manifest.files) {
    const fs::path path = checkpoint / file.name;
    if (const Status synced = sync_path(path); !synced.ok()) return synced;
    folders.insert(path.parent_path());
  }
  for (const fs::path& folder : folders)
    if (const Status synced = sync_path(folder); !synced.ok()) return synced;
  const json body = manifest_to_json(manifest);
  const json whole = {{"manifest", body}, {"xxh128", hash_of(body)}};
  const Status written = write_file_atomically(checkpoint / kManifest, text_of(whole, 1));
  if (!written.ok()) return written;
  return sync_path(fs::absolute(checkpoint).parent_path());
}

Result<CheckpointManifest> read_manifest(const fs::path& checkpoint) {
  const fs::path path = checkpoint / kManifest;
  if (const Status regular = check_regular(checkpoint, kManifest); !regular.ok())
    return regular.error();
  const Result<std::string> text = read_whole_file(path, kManifestBytesMax);
  if (!text.ok()) return text.error();
  const json whole = json::parse(text.value(), nullptr, /*allow_exceptions=*/false);
  if (!whole.is_object() || !whole.contains("manifest") || !whole.contains("xxh128"))
    return corrupt(path, "is damaged or no manifest");
  if (whole["xxh128"] != hash_of(whole["manifest"])) return corrupt(path, "its checksum is wrong");

  Result<CheckpointManifest> manifest = manifest_from_json(whole["manifest"]);
  if (!manifest.ok()) return corrupt(path, manifest.error().message);
  const Status slots = check_slots(path, manifest.value().shards);
  if (!slots.ok()) return slots.error();
  for (const CheckpointFile& file : manifest.value().files)
    if (const Status good = check_file(checkpoint, file); !good.ok()) return good.error();
  return manifest;
}

Result<fs::path> newest_checkpoint(const fs::path& folder) {
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  fs::path newest;
  uint64_t newest_step = 0;
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    const std::optional<uint64_t> step = checkpoint_step_of(entries->path().filename().string());
    if (!step || !check_regular(entries->path(), kManifest).ok()) continue;
    if (!newest.empty() && *step < newest_step) continue;
    newest = entries->path();
    newest_step = *step;
  }
  if (error) return system_error("list", folder, error.value());
  if (newest.empty())
    return Error{ErrorCode::kNotFound,
                 fmt::format("{} holds no complete checkpoint", folder.string())};
  return newest;
}

}  // namespace cairn
