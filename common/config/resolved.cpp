#include "common/config/resolved.h"

#include <fmt/format.h>

#include "common/config/job_file.h"
#include "common/config/scalars.h"
#include "common/config/schema.h"
#include "common/config/value_text.h"
#include "common/hash.h"

namespace cairn {
namespace {

JobDraft draft_of(const JobConfig& job) {
  JobDraft draft;
  draft.config = job;
  draft.ps.config = job.ps;
  draft.ps.tables = job.tables;
  for (const FeatureConfig& feature : job.features) {
    FeatureEntry& entry = draft.features.emplace_back();
    entry.name = feature.name;
    if (feature.columns.size() == 1)
      entry.column = feature.columns[0];
    else
      entry.columns = feature.columns;
    entry.transforms = feature.transforms;
    entry.boundaries = feature.boundaries;
    entry.num_buckets = feature.num_buckets;
    entry.separator = feature.separator;
    entry.pooling = feature.pooling;
    entry.target = feature.target;
    entry.missing_value = feature.missing_value;
    entry.table = feature.table;
  }
  return draft;
}

class Writer {
 public:
  // `first`: what stands before the first key instead of the indent ("- " of a list's item
  // included).
  void block(std::span<const ConfigKey> keys, void* object, size_t indent, std::string first = "") {
    for (const ConfigKey& key : keys) {
      const FieldRef field = key.at(object);
      if (key.by_table || (key.applies && !key.applies(object)) ||
          (is_empty(field) && is_empty(key.at(key.fresh()))))
        continue;
      out_ += first.empty() ? std::string(indent, ' ') : first;
      first.clear();
      out_ += key.name;
      out_ += ':';
      if (const BlockRef* ref = std::get_if<BlockRef>(&field)) {
        out_ += '\n';
        block(ref->keys, ref->object, indent + 2);
      } else if (const BlocksRef* refs = std::get_if<BlocksRef>(&field)) {
        out_ += '\n';
        blocks(*refs, indent + 2);
      } else {
        out_ += ' ';
        out_ += print_value(key, field);
        out_ += '\n';
      }
    }
  }

  std::string take() { return std::move(out_); }

 private:
  void blocks(const BlocksRef& ref, size_t indent) {
    for (size_t i = 0; i < ref.size(ref.owner); ++i) {
      void* item = ref.at(ref.owner, i);
      if (ref.name) {
        out_ += std::string(indent, ' ') + print_text(*ref.name(item)) + ":\n";
        block(ref.keys, item, indent + 2);
      } else {
        block(ref.keys, item, indent + 2, std::string(indent, ' ') + "- ");
      }
    }
  }

  std::string out_;
};

}  // namespace

std::string write_resolved(const JobConfig& job) {
  JobDraft draft = draft_of(job);
  Writer writer;
  writer.block(job_keys(), &draft, 0);
  return writer.take();
}

std::string config_hash(const JobConfig& job) {
  JobConfig anywhere = job;
  const auto forget = [](std::string& path, const std::string& by_default) {
    if (path == by_default) path.clear();
  };
  forget(anywhere.data.cache, default_cache(job.output));
  forget(anywhere.ps.state, default_state(job.output));
  forget(anywhere.checkpoint.dir, default_checkpoints(job.output));
  forget(anywhere.metrics.file_sd, default_file_sd(job.output));
  anywhere.output.clear();
  return fmt::format("{:016x}", hash_string(write_resolved(anywhere)));
}

}  // namespace cairn
