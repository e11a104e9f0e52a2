#include "common/config/schema.h"

#include <algorithm>

#include "common/config/schema_builders.h"
#include "common/config/schema_model.h"
#include "common/config/schema_optimizers.h"
#include "common/hash.h"

namespace cairn {
namespace {

constexpr double kAny = -std::numeric_limits<double>::infinity();
constexpr double kStepsMax = 4'294'967'295.0;  // rows hold steps in 32 bits

// ---- data

bool not_criteo(const void* object) {
  return static_cast<const DataConfig*>(object)->format != DataFormat::kCriteo;
}
bool without_header(const void* object) {
  return not_criteo(object) && !static_cast<const DataConfig*>(object)->header;
}

std::span<const ConfigKey> data_keys() {
  static const ConfigKey keys[] = {
      key<&DataConfig::format>({.name = "format",
                                .text = "fields separated by commas, by tabs, or the Criteo "
                                        "layout: tabs, no header, columns "
                                        "label, I1..I13, C1..C26"}),
      key<&DataConfig::train>(
          {.name = "train",
           .text = "training files, in order; .gz and .zst are decoded into cache",
           .required = true}),
      key<&DataConfig::eval>({.name = "eval", .text = "evaluation files; none: no evaluation"}),
      key<&DataConfig::header>({.name = "header",
                                .text = "whether the first line of every file names the columns",
                                .applies = not_criteo,
                                .applies_text = "the criteo format has none"}),
      key<&DataConfig::columns>(
          {.name = "columns",
           .text = "names of the columns, in order; a range is written I1..I13",
           .applies = without_header,
           .applies_text = "only where header is false and format is not criteo"}),
      key<&DataConfig::missing>(
          {.name = "missing",
           .text = "a field of this text is missing, as an empty one always is",
           .may_be_empty = true}),
      key<&DataConfig::readers>(
          {.name = "readers",
           .text = "virtual readers, which fix the order of samples for any number of workers",
           .min = 1,
           .max = 4096}),
      key<&DataConfig::shuffle>({.name = "shuffle", .text = "shuffle training samples"}),
      key<&DataConfig::max_bad_samples>({.name = "max_bad_samples",
                                         .text = "unreadable samples after which the job stops",
                                         .formerly = "max_bad_rows"}),
      key<&DataConfig::cache>(
          {.name = "cache", .text = "folder of decoded files", .default_text = "<output>/cache"}),
  };
  return keys;
}

// ---- features

bool has_transform(const FeatureEntry& entry, Transform transform) {
  return std::find(entry.transforms.begin(), entry.transforms.end(), transform) !=
         entry.transforms.end();
}
bool entry_makes_ids(const void* object) {
  return makes_ids(*static_cast<const FeatureEntry*>(object));
}
bool entry_bucketizes(const void* object) {
  return has_transform(*static_cast<const FeatureEntry*>(object), Transform::kBucketize);
}
bool entry_attends(const void* object) {
  return entry_makes_ids(object) &&
         static_cast<const FeatureEntry*>(object)->pooling == Pooling::kAttention;
}
bool entry_has_missing_value(const void* object) {
  const auto& entry = *static_cast<const FeatureEntry*>(object);
  return !makes_ids(entry) && !has_transform(entry, Transform::kStandardize);
}
constexpr std::string_view kOnlyIds = "only for ids, which a transform such as hash makes";

std::span<const ConfigKey> feature_keys() {
  static const ConfigKey keys[] = {
      key<&FeatureEntry::name>({.name = "name", .text = "of one feature"}),
      key<&FeatureEntry::names>(
          {.name = "names",
           .text = "of several features alike, instead of name; ranges as I1..I13"}),
      key<&FeatureEntry::column>(
          {.name = "column", .text = "that it is read from", .default_text = "the name"}),
      key<&FeatureEntry::columns>({.name = "columns", .text = "of a cross: two or more"}),
      key<&FeatureEntry::transforms>({.name = "transform",
                                      .text = "one or a list, applied in order; one that makes ids "
                                              "comes last; none: a number as it "
                                              "is"}),
      key<&FeatureEntry::boundaries>(
          {.name = "boundaries",
           .text = "of the buckets, ascending: n boundaries make n + 1 ids",
           .min = kAny,
           .applies = entry_bucketizes,
           .applies_text = "only for bucketize"}),
      key<&FeatureEntry::num_buckets>({.name = "num_buckets",
                                       .text = "ids are taken modulo this; 0: as they are",
                                       .applies = entry_makes_ids,
                                       .applies_text = kOnlyIds}),
      key<&FeatureEntry::separator>(
          {.name = "separator",
           .text = "between the values of a multi-valued column, a sequence of ids; none: "
                   "single-valued",
           .applies = entry_makes_ids,
           .applies_text = kOnlyIds}),
      key<&FeatureEntry::pooling>(
          {.name = "pooling",
           .text = "how the rows of several values become one; attention weighs each by a learned "
                   "score of it and the target's row (DIN; model.attention)",
           .applies = entry_makes_ids,
           .applies_text = kOnlyIds}),
      key<&FeatureEntry::target>(
          {.name = "target",
           .text = "the feature of ids that attention scores for, whose table has the same dim",
           .applies = entry_attends,
           .applies_text = "only for ids with pooling: attention"}),
      key<&FeatureEntry::missing_value>(
          {.name = "missing_value",
           .text = "stands for a missing number, before transforms",
           .min = kAny,
           .applies = entry_has_missing_value,
           .applies_text = "only for numbers that are not standardized: a missing one of those is "
                           "the mean, a missing id an id of its own"}),
      key<&FeatureEntry::table>({.name = "table",
                                 .text = "of embeddings; features that name the same one share it",
                                 .default_text = "the name",
                                 .applies = entry_makes_ids,
                                 .applies_text = kOnlyIds}),
      key<&FeatureEntry::dim>({.name = "dim",
                               .text = "floats of a row of its table",
                               .min = 1,
                               .max = 4096,
                               .default_text = "ps.dim",
                               .applies = entry_makes_ids,
                               .applies_text = kOnlyIds}),
  };
  return keys;
}

// ---- training and evaluation

bool pulls_ahead(const void* object) {
  return static_cast<const TrainConfig*>(object)->prefetch > 0;
}

std::span<const ConfigKey> train_keys() {
  static constexpr std::string_view kDevices[] = {"cpu", "cuda"};
  static constexpr std::string_view kLaterConsistencies[] = {"bounded", "async"};
  static const ConfigKey keys[] = {
      key<&TrainConfig::workers>({.name = "workers",
                                  .text = "processes that train, one device each",
                                  .min = 1,
                                  .max = 1024}),
      key<&TrainConfig::batch_size>({.name = "batch_size",
                                     .text = "rows of a step, over all workers together",
                                     .min = 1,
                                     .max = 1 << 24}),
      key<&TrainConfig::epochs>(
          {.name = "epochs", .text = "passes over the training data", .min = 1, .max = 1'000'000}),
      key<&TrainConfig::max_steps>({.name = "max_steps", .text = "stop after these; 0: no limit"}),
      key<&TrainConfig::seed>(
          {.name = "seed", .text = "of the order of samples and of initial values"}),
      key<&TrainConfig::prefetch>(
          {.name = "prefetch", .text = "steps ahead that rows are pulled", .max = 64}),
      key<&TrainConfig::speculative_pulls>(
          {.name = "speculative_pulls",
           .text = "pull the next step's rows while this step computes, then fetch again only "
                   "those that "
                   "changed: results do not change, and on slow networks the worker waits for "
                   "fewer bytes",
           .formerly = "early_pulls",
           .applies = pulls_ahead,
           .applies_text = "only where train.prefetch is above 0"}),
      key<&TrainConfig::device>(
          {.name = "device", .text = "that a worker computes on", .values = kDevices}),
      key<&TrainConfig::precision>(
          {.name = "precision",
           .text = "of the factors of matrix products; weights, sums and all else are f32. Where a "
                   "processor has no products in bf16, or in tf32, they stay f32"}),
      key<&TrainConfig::consistency>({.name = "consistency",
                                      .text = "a pull sees every push of the steps before it",
                                      .later = kLaterConsistencies}),
      block<dense_optimizer_keys, &TrainConfig::optimizer>(
          {.name = "optimizer",
           .text = "of the dense parameters; rows have theirs in ps.optimizer"}),
      key<&TrainConfig::report_every>(
          {.name = "report_every", .text = "steps between lines of progress", .min = 1}),
      key<&TrainConfig::stall_timeout_s>(
          {.name = "stall_timeout_s",
           .text = "seconds without a missing worker's push before the job gives up",
           .min = 1}),
  };
  return keys;
}

std::span<const ConfigKey> eval_keys() {
  static const ConfigKey keys[] = {
      key<&EvalConfig::every>(
          {.name = "every", .text = "steps between evaluations; 0: at the end of each epoch"}),
      key<&EvalConfig::batch_size>({.name = "batch_size",
                                    .text = "rows of a batch, over all workers together",
                                    .min = 1,
                                    .max = 1 << 24}),
      key<&EvalConfig::monitor>({.name = "monitor",
                                 .text = "the figure that decides which checkpoint is best: "
                                         "task.auc, task.logloss or task.rmse",
                                 .may_be_empty = true}),
      key<&EvalConfig::patience>(
          {.name = "patience",
           .text = "evaluations without a better figure before training stops; 0: never"}),
      key<&EvalConfig::row_cache_bytes>(
          {.name = "row_cache_bytes",
           .text =
               "memory of each worker for rows, where its model computes, and 16 bytes per row to "
               "find it, that evaluations and predictions keep from batch to batch; the result "
               "is the same",
           .unit = Unit::kBytes}),
  };
  return keys;
}

// ---- servers

std::span<const ConfigKey> initializer_keys() {
  static const ConfigKey keys[] = {
      key<&InitializerConfig::kind>({.name = "type", .text = "how a new row is drawn"}),
      key<&InitializerConfig::scale>(
          {.name = "scale",
           .text = "half-width of the uniform, deviation of the normal",
           .applies =
               [](const void* object) {
                 return static_cast<const InitializerConfig*>(object)->kind != Initializer::kZero;
               },
           .applies_text = "only for uniform and normal"}),
  };
  return keys;
}

constexpr double kFilterBytesMin = 16.0 * kSlots;

bool filters_by_count(const void* object) {
  return static_cast<const AdmissionConfig*>(object)->min_count > 1;
}
bool takes_every_key(const void* object) { return !filters_by_count(object); }

std::span<const ConfigKey> admission_keys() {
  using A = AdmissionConfig;
  static const ConfigKey keys[] = {
      key<&A::min_count>(
          {.name = "min_count",
           .text = "steps that must have held a key, the present one included, before it gets a "
                   "row; until then it reads as its initial value and trains nothing",
           .min = 1,
           .max = 255}),
      key<&A::filter_bytes>(
          {.name = "filter_bytes",
           .text = "counters of keys, over all shards; 8 bytes a distinct key let few in early",
           .min = kFilterBytesMin,
           .unit = Unit::kBytes,
           .applies = filters_by_count,
           .applies_text = "only where min_count is above 1"}),
      key<&A::probability>({.name = "probability",
                            .text = "that a step gives a key without a row one",
                            .max = 1,
                            .above_min = true,
                            .applies = takes_every_key,
                            .applies_text = "only without min_count"}),
  };
  return keys;
}

// Known so that they can be refused with the reason.
ConfigKey policy_in_seconds(std::string_view name) {
  return {{.name = name,
           .text = "of the clock",
           .applies = [](const void*) { return false; },
           .applies_text = "only for train.consistency: async, which comes later: in sync every "
                           "run must decide alike, so policies count steps, not seconds"},
          [](void*) -> FieldRef {
            static uint64_t ignored = 0;
            return &ignored;
          },
          fresh<ExpiryConfig>};
}

std::span<const ConfigKey> expiry_keys() {
  using E = ExpiryConfig;
  static const ConfigKey keys[] = {
      key<&E::unseen_steps>({.name = "unseen_steps",
                             .text = "a row goes once no step has held its key for so many",
                             .max = kStepsMax,
                             .zero_word = "never"}),
      key<&E::age_steps>(
          {.name = "age_steps",
           .text = "a row goes so many steps after it was created; its record grows by 4 bytes",
           .max = kStepsMax,
           .zero_word = "never"}),
      key<&E::min_norm>({.name = "min_norm",
                         .text = "a row goes if the L2 norm of its weights is below; 0: never"}),
      policy_in_seconds("unseen_seconds"),
      policy_in_seconds("age_seconds"),
  };
  return keys;
}

constexpr std::string_view kMaxRowsText =
    "rows of the table over all shards, as ceil(max_rows / 16384) a slot; those seen in the fewest "
    "steps go first";

std::span<const ConfigKey> table_keys() {
  static const ConfigKey keys[] = {
      key<&TableConfig::dim>({.name = "dim",
                              .text = "floats of a row",
                              .min = 1,
                              .max = 4096,
                              .default_text = "its features' dim, or ps.dim"}),
      key<&TableConfig::dtype>({.name = "dtype",
                                .text = "of weights in memory and on disk, as in ps.dtype",
                                .default_text = "ps.dtype"}),
      block<row_optimizer_keys, &TableConfig::optimizer>(
          {.name = "optimizer",
           .text = "what is not given is as in ps.optimizer",
           .same_as = "ps.optimizer"}),
      block<initializer_keys, &TableConfig::initializer>(
          {.name = "initializer",
           .text = "what is not given is as in ps.initializer",
           .same_as = "ps.initializer"}),
      block<admission_keys, &TableConfig::admission>(
          {.name = "admission",
           .text = "what is not given is as in ps.admission",
           .same_as = "ps.admission"}),
      block<expiry_keys, &TableConfig::expiry>({.name = "expiry",
                                                .text = "what is not given is as in ps.expiry",
                                                .same_as = "ps.expiry"}),
      key<&TableConfig::max_rows>(
          {.name = "max_rows", .text = kMaxRowsText, .zero_word = "unlimited"}),
  };
  return keys;
}

// A map: a table starts as the defaults that were read before it.
FieldRef tables_ref(void* object) {
  return BlocksRef{
      object,
      table_keys(),
      [](const void* owner) { return static_cast<const PsDraft*>(owner)->tables.size(); },
      [](void* owner, size_t i) -> void* { return &static_cast<PsDraft*>(owner)->tables[i]; },
      [](void* owner) -> void* {
        auto& ps = *static_cast<PsDraft*>(owner);
        return &ps.tables.emplace_back(ps.defaults);
      },
      [](void* item) { return &static_cast<TableConfig*>(item)->name; }};
}

std::span<const ConfigKey> ps_keys() {
  static constexpr std::string_view kTransports[] = {"auto", "tcp", "ipc"};
  static const ConfigKey keys[] = {
      key<&PsDraft::config, &PsConfig::servers>(
          {.name = "servers", .text = "server processes", .min = 1, .max = 1024}),
      key<&PsDraft::config, &PsConfig::shards_per_server>(
          {.name = "shards_per_server",
           .text = "shards of a server, one thread each",
           .min = 1,
           .max = 1024}),
      key<&PsDraft::config, &PsConfig::hot_bytes>(
          {.name = "hot_bytes",
           .text =
               "memory for rows of one shard; auto: a quarter of memory over the shards of a host",
           .min = 1,
           .unit = Unit::kBytes,
           .zero_word = "auto"}),
      key<&PsDraft::config, &PsConfig::log_bytes_max>(
          {.name = "log_bytes_max",
           .text = "push log of one shard, at which pushes wait for rows to be written back",
           .min = 1,
           .unit = Unit::kBytes}),
      key<&PsDraft::config, &PsConfig::durability>(
          {.name = "durability",
           .text = "what an acknowledged push survives: the death of its server, that of its host, "
                   "or nothing until the next checkpoint"}),
      key<&PsDraft::config, &PsConfig::recovery>(
          {.name = "recovery",
           .text = "of a server that finds acknowledged pushes or stored rows missing or damaged: "
                   "strict refuses, report opens what is intact and tells what is lost"}),
      key<&PsDraft::config, &PsConfig::state>(
          {.name = "state", .text = "folder of live stores", .default_text = "<output>/state"}),
      key<&PsDraft::config, &PsConfig::transport>(
          {.name = "transport",
           .text = "between workers and servers; auto: ipc where all share a host, else tcp",
           .values = kTransports}),
      key<&PsDraft::config, &PsConfig::address>(
          {.name = "address", .text = "that tcp endpoints bind to"}),
      key<&PsDraft::config, &PsConfig::allow_insecure>(
          {.name = "allow_insecure",
           .text = "permit endpoints and metrics off loopback, which are neither encrypted nor "
                   "authenticated"}),
      key<&PsDraft::config, &PsConfig::wire>(
          {.name = "wire",
           .text = "of weights and gradients between workers and servers; bf16 is rounded to the "
                   "nearest"}),
      key<&PsDraft::config, &PsConfig::timeout_s>(
          {.name = "timeout_s",
           .text = "seconds without any answer of a shard before it is given up",
           .min = 1}),
      key<&PsDraft::config, &PsConfig::max_respawns>(
          {.name = "max_respawns",
           .text = "times that a server process which died is started again and recovers from its "
                   "log; none with durability checkpoint",
           .max = 1000}),
      key<&PsDraft::config, &PsConfig::read_threads>(
          {.name = "read_threads",
           .text = "threads of one shard for rows that are not in memory",
           .min = 1,
           .max = 64}),
      key<&PsDraft::defaults, &TableConfig::dim>(
          {.name = "dim",
           .text = "floats of a row, of tables that say nothing else",
           .by_table = true,
           .min = 1,
           .max = 4096}),
      key<&PsDraft::defaults, &TableConfig::dtype>(
          {.name = "dtype",
           .text = "of weights in memory and on disk, of tables that say nothing else; bf16 is "
                   "rounded stochastically after each step, optimizer state stays f32",
           .by_table = true}),
      block<row_optimizer_keys, &PsDraft::defaults, &TableConfig::optimizer>(
          {.name = "optimizer",
           .text = "of embedding rows, of tables that say nothing else",
           .by_table = true}),
      block<initializer_keys, &PsDraft::defaults, &TableConfig::initializer>(
          {.name = "initializer",
           .text = "of new rows, of tables that say nothing else",
           .by_table = true}),
      block<admission_keys, &PsDraft::defaults, &TableConfig::admission>(
          {.name = "admission",
           .text = "which keys get a row, in tables that say nothing else",
           .by_table = true}),
      block<expiry_keys, &PsDraft::defaults, &TableConfig::expiry>(
          {.name = "expiry",
           .text = "which rows go, from tables that say nothing else; looked for once per "
                   "removal_period",
           .by_table = true}),
      key<&PsDraft::defaults, &TableConfig::max_rows>(
          {.name = "max_rows", .text = kMaxRowsText, .by_table = true, .zero_word = "unlimited"}),
      key<&PsDraft::config, &PsConfig::removal_period>(
          {.name = "removal_period",
           .text = "steps in which each slot is looked through once for rows that expire or exceed "
                   "max_rows",
           .formerly = "policy_period",
           .min = 16,
           .max = 1 << 24}),
      ConfigKey{{.name = "tables", .text = "a map from a table's name to what is different in it"},
                tables_ref,
                fresh<PsDraft>},
  };
  return keys;
}

// ---- checkpoints and metrics

std::span<const ConfigKey> checkpoint_keys() {
  static const ConfigKey keys[] = {
      key<&CheckpointConfig::dir>(
          {.name = "dir",
           .text =
               "folder of checkpoints, shared by all hosts if the loss of one is to be survived",
           .default_text = "<output>/checkpoints"}),
      key<&CheckpointConfig::every>({.name = "every",
                                     .text = "steps between checkpoints; 0: at the end of each "
                                             "epoch; the end of the run has one"}),
      key<&CheckpointConfig::keep>(
          {.name = "keep",
           .text = "the newest that stay; the best by eval.monitor stays besides",
           .min = 1}),
  };
  return keys;
}

std::span<const ConfigKey> metrics_keys() {
  static const ConfigKey keys[] = {
      key<&MetricsConfig::enabled>(
          {.name = "enabled",
           .text = "serve /metrics, /healthz, /readyz; eval and predict never do"}),
      key<&MetricsConfig::address>(
          {.name = "address",
           .text = "IP address that the endpoints bind to; off loopback only with "
                   "ps.allow_insecure"}),
      key<&MetricsConfig::port>({.name = "port",
                                 .text = "of rank 0; rank r has port + r; 0: chosen by the system",
                                 .max = 65'535}),
      key<&MetricsConfig::file_sd>({.name = "file_sd",
                                    .text = "list of endpoints for Prometheus, written at start",
                                    .default_text = "<output>/metrics_targets.json"}),
  };
  return keys;
}

}  // namespace

bool makes_ids(const FeatureEntry& entry) {
  return std::any_of(entry.transforms.begin(), entry.transforms.end(),
                     [](Transform t) { return t >= Transform::kHash; });
}

std::span<const ConfigKey> job_keys() {
  static const ConfigKey keys[] = {
      key<&JobDraft::config, &JobConfig::output>(
          {.name = "output",
           .text = "folder of the run: results, metrics, checkpoints, resolved.yaml",
           .required = true}),
      block<data_keys, &JobDraft::config, &JobConfig::data>(
          {.name = "data", .text = "where rows come from", .required = true}),
      blocks<feature_keys, &JobDraft::features>(
          {.name = "features",
           .text =
               "a list, one entry per feature or several alike: how columns become numbers and ids",
           .required = true}),
      block<model_keys, &JobDraft::config, &JobConfig::model>(
          {.name = "model",
           .text = "interaction and deep layers, the head, the tasks",
           .required = true}),
      block<train_keys, &JobDraft::config, &JobConfig::train>(
          {.name = "train", .text = "training"}),
      block<eval_keys, &JobDraft::config, &JobConfig::eval>({.name = "eval", .text = "evaluation"}),
      block<ps_keys, &JobDraft::ps>({.name = "ps", .text = "servers and their tables"}),
      block<checkpoint_keys, &JobDraft::config, &JobConfig::checkpoint>(
          {.name = "checkpoint", .text = "checkpoints"}),
      block<metrics_keys, &JobDraft::config, &JobConfig::metrics>(
          {.name = "metrics", .text = "endpoints for Prometheus"}),
  };
  return keys;
}

}  // namespace cairn
