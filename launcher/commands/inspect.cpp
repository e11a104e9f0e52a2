#include <fmt/core.h>

#include <cstdio>
#include <memory>

#include "common/checkpoint/manifest.h"
#include "launcher/checkpoint_choice.h"
#include "launcher/commands/commands.h"
#include "launcher/exit_code.h"
#include "ps/checkpoint_store.h"

namespace cairn {

namespace {

struct InspectOptions {
  std::string checkpoint;
  bool digest = false, dense = false;
};

void print_summary(const CheckpointManifest& manifest) {
  uint64_t bytes = 0;
  for (const CheckpointFile& file : manifest.files) bytes += file.bytes;
  fmt::print("step {}, epoch {}, {} shards, {} files, {} bytes, {} readers, config {}\n",
             manifest.step, manifest.epoch, manifest.shards.size(), manifest.files.size(), bytes,
             manifest.readers, manifest.config_hash);
  for (const auto& [name, value] : manifest.metrics) fmt::print("metric {} {:.6f}\n", name, value);
}

// A line a table: name, dim, rows and, where asked for, the digest.
Status print_tables(const CheckpointSource& source, bool with_digest) {
  const auto digests = digest(source);
  if (!digests.ok()) return digests.error();
  for (size_t i = 0; i < digests.value().size(); ++i) {
    const TableConfig& table = source.manifest.tables[i];
    const RowDigest& rows = digests.value()[i];
    fmt::print("table {} dim {} rows {}", table.name, table.dim, rows.rows());
    if (with_digest) fmt::print(" digest {:016x}{:016x}", rows.sum().high, rows.sum().low);
    fmt::print("\n");
  }
  return Ok{};
}

void print_dense(const CheckpointManifest& manifest) {
  for (const CheckpointFile& file : manifest.files)
    if (file.name.find('/') == std::string::npos)  // shards' files stand in folders
      fmt::print("file {} bytes {} xxh128 {}\n", file.name, file.bytes, file.xxh128);
}

int inspect(const InspectOptions& options) {
  auto manifest = read_named_checkpoint(options.checkpoint);
  if (!manifest.ok()) return complain(manifest.error());
  const CheckpointSource source = {options.checkpoint, std::move(manifest).value()};
  print_summary(source.manifest);
  if (const Status tables = print_tables(source, options.digest); !tables.ok())
    return complain(tables.error());
  if (options.dense) print_dense(source.manifest);
  return kDone;
}

}  // namespace

void add_inspect(Program& program) {
  const auto options = std::make_shared<InspectOptions>();
  CLI::App* command =
      program.app.add_subcommand("inspect", "Show what a checkpoint holds, and check its files.");
  command->add_option("checkpoint", options->checkpoint, "Folder of a checkpoint (.../step-...)")
      ->required()
      ->type_name("CHECKPOINT");
  command->add_flag("--digest", options->digest,
                    "Print each table's digest: equal exactly where all rows are, whatever the "
                    "number of shards");
  command->add_flag(
      "--dense", options->dense,
      "List the files outside the shards (dense parameters, features) with checksums");
  command->callback([&program, options] { program.exit_code = inspect(*options); });
}

}  // namespace cairn
