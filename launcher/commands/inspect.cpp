#include <fmt/core.h>
#include <fmt/ranges.h>

#include <array>
#include <bit>
#include <charconv>
#include <cstdio>
#include <memory>
#include <optional>

#include "common/checkpoint/manifest.h"
#include "launcher/checkpoint_choice.h"
#include "launcher/commands/commands.h"
#include "launcher/exit_code.h"
#include "ps/row/row_codec.h"
#include "ps/store/checkpoint_store.h"

namespace cairn::launcher {

namespace {

struct InspectOptions {
  std::string checkpoint;
  bool digest = false, dense = false, counts = false;
  std::string row;  // TABLE=KEY
};

// Rows by their count, in classes 1, 2, 3 to 4, 5 to 8, ...: counts of keys follow a power law.
class CountHistogram {
 public:
  void add(uint32_t count) { ++rows_[std::bit_width(std::max(count, 1u) - 1)]; }

  void print() const {
    for (size_t i = 0; i < rows_.size(); ++i) {
      if (rows_[i] == 0) continue;
      const uint64_t last = uint64_t{1} << i, first = last / 2 + 1;
      fmt::print("  count {}: {} rows\n",
                 i < 2 ? std::to_string(last) : fmt::format("{} to {}", first, last), rows_[i]);
    }
  }

 private:
  std::array<uint64_t, 33> rows_{};
};

struct TableSummary {
  ps::RowDigest digest;
  CountHistogram counts;
  uint64_t bytes = 0;  // of keys and values, before RocksDB packs them
};

Result<std::vector<TableSummary>> summarize(const ps::CheckpointSource& source) {
  std::vector<TableSummary> tables(source.manifest.tables.size());
  const Status read = ps::for_each_row(source, [&](const ps::StoredRow& row) -> Status {
    TableSummary& table = tables[row.entry.key.table];
    table.digest.add(row.entry.key, row.entry.last_step, row.entry.count, row.floats);
    table.counts.add(row.entry.count);
    const TableConfig& config = source.manifest.tables[row.entry.key.table];
    table.bytes += ps::kStoredKeyBytes + ps::kStoredMetaBytes + config.dim * size_of(config.dtype) +
                   row.floats.subspan(config.dim).size_bytes();
    return Ok{};
  });
  if (!read.ok()) return read.error();
  return tables;
}

void print_summary(const CheckpointManifest& manifest) {
  uint64_t bytes = 0;
  for (const CheckpointFile& file : manifest.files) bytes += file.bytes;
  fmt::print("step {}, epoch {}, {} shards, {} files, {} bytes, {} readers, config {}\n",
             manifest.step, manifest.epoch, manifest.shards.size(), manifest.files.size(), bytes,
             manifest.readers, manifest.config_hash);
  for (const auto& [name, value] : manifest.metrics) fmt::print("metric {} {:.6f}\n", name, value);
}

// A line per table, and lines behind it as asked for.
Status print_tables(const ps::CheckpointSource& source, const InspectOptions& options) {
  const auto tables = summarize(source);
  if (!tables.ok()) return tables.error();
  for (size_t i = 0; i < tables.value().size(); ++i) {
    const TableConfig& config = source.manifest.tables[i];
    const TableSummary& table = tables.value()[i];
    fmt::print("table {} dim {} rows {} bytes {}", config.name, config.dim, table.digest.rows(),
               table.bytes);
    if (options.digest)
      fmt::print(" digest {:016x}{:016x}", table.digest.sum().high, table.digest.sum().low);
    fmt::print("\n");
    if (options.counts) table.counts.print();
  }
  return Ok{};
}

void print_dense(const CheckpointManifest& manifest) {
  for (const CheckpointFile& file : manifest.files)
    if (file.name.find('/') == std::string::npos)  // shards' files stand in folders
      fmt::print("file {} bytes {} xxh128 {}\n", file.name, file.bytes, file.xxh128);
}

// TABLE=KEY, the key decimal or, after 0x, hexadecimal.
Result<ps::RowKey> parse_row_name(const std::string& text, const CheckpointManifest& manifest) {
  const auto invalid = [&](const std::string& why) {
    return Error{ErrorCode::kInvalidArgument, fmt::format("--row {}: {}", text, why)};
  };
  // Names may hold a '=', keys do not.
  const size_t split = text.rfind('=');
  if (split == std::string::npos) return invalid("want TABLE=KEY");
  const std::string_view name = std::string_view(text).substr(0, split);
  std::string_view digits = std::string_view(text).substr(split + 1);
  const int base = digits.starts_with("0x") ? 16 : 10;
  if (base == 16) digits.remove_prefix(2);
  ps::RowKey key;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), key.key, base);
  if (parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size())
    return invalid("the key is an integer of 64 bits, decimal or hexadecimal with 0x");
  std::vector<std::string> known;
  for (; key.table < manifest.tables.size(); ++key.table) {
    if (manifest.tables[key.table].name == name) return key;
    known.push_back(manifest.tables[key.table].name);
  }
  return invalid(
      fmt::format("no table '{}'; this checkpoint has {}", name, fmt::join(known, ", ")));
}

Status print_row(const ps::CheckpointSource& source, const std::string& text) {
  const auto key = parse_row_name(text, source.manifest);
  if (!key.ok()) return key.error();
  const auto found = ps::find_row(source, key.value());
  if (!found.ok()) return found.error();
  const TableConfig& table = source.manifest.tables[key.value().table];
  if (found.value().entries.empty()) {
    fmt::print("row {} of {}: none\n", key.value().key, table.name);
    return Ok{};
  }
  const ps::RowBatch::Entry& row = found.value().entries.front();
  const std::span<const float> floats = found.value().floats;
  fmt::print("row {} of {}: slot {}, count {}, last step {}, lsn {}\n", row.key.key, table.name,
             slot_of(row.key.key), row.count, row.last_step, row.lsn);
  fmt::print("  weights {}\n", fmt::join(floats.first(table.dim), " "));
  fmt::print("  optimizer state {}\n", fmt::join(floats.subspan(table.dim), " "));
  return Ok{};
}

int inspect(const InspectOptions& options) {
  auto manifest = read_named_checkpoint(options.checkpoint);
  if (!manifest.ok()) return print_error(manifest.error());
  const ps::CheckpointSource source = {options.checkpoint, std::move(manifest).value()};
  if (!options.row.empty()) {
    // One row is found without reading the others.
    const Status row = print_row(source, options.row);
    return row.ok() ? kDone : print_error(row.error());
  }
  print_summary(source.manifest);
  if (const Status tables = print_tables(source, options); !tables.ok())
    return print_error(tables.error());
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
  command->add_flag("--counts", options->counts,
                    "Print how many rows of each table were seen in how many steps");
  command
      ->add_option("--row", options->row,
                   "Print one row instead: its count, last step, weights and optimizer state")
      ->type_name("TABLE=KEY");
  command->add_flag(
      "--dense", options->dense,
      "List the files outside the shards (dense parameters, features) with checksums");
  command->callback([&program, options] { program.exit_code = inspect(*options); });
}

}  // namespace cairn::launcher
