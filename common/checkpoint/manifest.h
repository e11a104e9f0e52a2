// The contents of a checkpoint folder, read and written by both sides:
//
//   <checkpoint.dir>/step-000000001234/
//     manifest.json        renamed into place last: a folder without it is no checkpoint;
//                          {"manifest": {...}, "xxh128": of the text of "manifest" without spaces}
//     job.yaml             the job, every default filled in
//     dense.safetensors    dense parameters and their optimizer's state
//     features.json        statistics of the transforms
//     shard-000/ ...       one RocksDB per shard that wrote the checkpoint
//
// Thread safety: plain values and functions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/atomic_file.h"
#include "common/config/table_config.h"
#include "common/result.h"
#include "common/slots.h"

namespace cairn {

struct CheckpointFile {
  std::string name;  // relative to the checkpoint's folder
  uint64_t bytes = 0;
  std::string xxh128;  // hex; empty for files that carry checksums of their own (RocksDB's)
};

struct CheckpointShard {
  std::string folder;  // "shard-000"
  SlotRange slots;
};

struct CheckpointManifest {
  uint64_t step = 0;
  uint64_t epoch = 0;        // from 0; the epoch that the cursor is in
  uint64_t incarnation = 0;  // the one that wrote the checkpoint
  uint32_t readers = 0;      // V
  std::string config_hash;
  std::string data_order;  // Dataset::order_fingerprint: what `positions` are positions in
  std::vector<std::pair<uint32_t, uint32_t>> positions;  // group, line per virtual reader
  std::vector<TableConfig> tables;
  std::vector<CheckpointShard> shards;
  std::vector<CheckpointFile> files;
  std::map<std::string, double> metrics;  // the last evaluation's: "income.auc"
};

std::string checkpoint_folder_name(uint64_t step);

// The step in the name of a checkpoint's folder; nothing for any other name.
std::optional<uint64_t> checkpoint_step_of(std::string_view folder_name);

// XXH128 of a file's bytes, in hex, as CheckpointFile holds it.
std::string checksum_of(std::string_view bytes);

// Errors: kUnavailable where the disk refuses. Files and folders are synced; the manifest comes
// last.
Status commit_manifest(const std::filesystem::path& checkpoint, const CheckpointManifest& manifest);

// Checks that every file is there, with the manifest's size and (where given) checksum. Checks that
// the shards cover every slot. Errors: kNotFound, kCorrupt, naming the file.
Result<CheckpointManifest> read_manifest(const std::filesystem::path& checkpoint);

// The newest complete checkpoint in a folder. Errors: kNotFound.
Result<std::filesystem::path> newest_checkpoint(const std::filesystem::path& folder);

// The size and checksum of a written file, for the manifest. Errors: kNotFound, kUnavailable.
Result<CheckpointFile> describe_file(const std::filesystem::path& checkpoint,
                                     const std::string& name);

}  // namespace cairn
