#include "common/config/resolved.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "common/config/row_optimizers.h"
#include "common/hash.h"
#include "tests/common/config/job_text.h"
#include "tests/seed.h"

namespace cairn {
namespace {

// Jobs that are valid, with every value away from its default half of the time.
class RandomJob {
 public:
  explicit RandomJob(uint64_t seed) : random_(seed) {}

  JobConfig make() {
    JobConfig job;
    job.output = text();
    fill_data(job.data);
    fill_features(job);
    fill_model(job.model);
    fill_train(job.train);
    job.eval.every = number(1'000'000'000'000);
    job.eval.batch_size = 16 + number(100'000);
    if (coin() && !job.data.eval.empty()) {
      const TaskConfig& task = job.model.tasks[number(job.model.tasks.size() - 1)];
      job.eval.monitor = task.name + (task.loss == Loss::kMse ? ".rmse" : ".logloss");
      job.eval.patience = static_cast<uint32_t>(number(9));
      job.eval.row_cache_bytes = number(1'000'000'000);
    }
    fill_ps(job.ps);
    job.checkpoint = {coin() ? text() : job.output + "/checkpoints", number(1'000),
                      1 + static_cast<uint32_t>(number(9))};
    job.metrics = {coin(), "127.0.0.1", static_cast<uint16_t>(number(60'000)),
                   coin() ? text() : job.output + "/metrics_targets.json"};
    if (coin()) job.data.cache = job.output + "/cache";
    return job;
  }

 private:
  void fill_data(DataConfig& data) {
    data.format = static_cast<DataFormat>(number(1));
    data.train = {text(), text()};
    if (coin()) data.eval = {text()};
    data.header = coin();
    // Columns of features and labels are among them: see name().
    if (!data.header)
      for (int i = 0; i < kNames; ++i) data.columns.push_back(name(i));
    if (coin()) data.missing = text();
    data.readers = 8 + static_cast<uint32_t>(number(8));
    data.shuffle = coin();
    data.max_bad_samples = number(1'000);
    data.cache = text();
  }

  void fill_features(JobConfig& job) {
    for (int i = 0; i < kNames / 2; ++i) {
      FeatureConfig feature;
      feature.name = coin() ? name(i) : text() + std::to_string(i);
      feature.columns = {name(i)};
      switch (number(4)) {
        case 0:
          if (coin()) feature.transforms = {Transform::kLog1p};
          feature.missing_value = real();
          break;
        case 1:
          feature.transforms = {Transform::kLog1p, Transform::kStandardize};
          break;
        case 2:
          feature.transforms = {Transform::kLog1p, Transform::kBucketize};
          feature.boundaries = {-1.5, real() + 2.0, 1e9};
          break;
        case 3:
          feature.columns.push_back(name(i + 1));
          feature.transforms = {Transform::kCross};
          break;
        default:
          feature.transforms = {static_cast<Transform>(static_cast<int>(Transform::kHourOfDay) +
                                                       static_cast<int>(number(1)))};
          if (coin()) feature.separator = text();
          feature.pooling = static_cast<Pooling>(number(2));
      }
      if (feature.is_id()) {
        feature.table = coin() ? feature.name : "shared";
        if (coin()) feature.num_buckets = number(1'000'000'000);
        add_table(job, feature.table);
      }
      job.features.push_back(feature);
    }
  }

  void add_table(JobConfig& job, const std::string& table_name) {
    for (const TableConfig& table : job.tables)
      if (table.name == table_name) return;
    TableConfig table;
    table.name = table_name;
    table.dim = 1 + static_cast<uint32_t>(number(100));
    RowOptimizerConfig& optimizer = table.optimizer;
    const RowOptimizerFacts& facts = row_optimizers()[number(row_optimizers().size() - 1)];
    optimizer.name = facts.name;
    for (const RowOptimizerNumber& taken : row_optimizer_numbers())
      if (taken.group == 0 || (facts.takes & taken.group) != 0)
        optimizer.*taken.value = 0.5f * positive();
    fill_schedule(optimizer.schedule);
    if (coin()) table.dtype = ValueType::kBfloat16;
    table.initializer.kind = static_cast<Initializer>(number(2));
    if (table.initializer.kind != Initializer::kZero) table.initializer.scale = positive();
    if (coin()) {
      table.admission.min_count = 2 + static_cast<uint32_t>(number(253));
      table.admission.filter_bytes = kSlots * (16 + number(1000));
    } else {
      table.admission.probability = 0.1f * positive();
    }
    if (coin()) table.expiry.unseen_steps = number(1'000'000);
    if (coin()) table.expiry.age_steps = number(1'000'000);
    if (coin()) table.expiry.min_norm = positive();
    if (coin()) table.max_rows = 64 * kSlots + number(1'000'000);
    job.tables.push_back(table);
  }

  void fill_schedule(ScheduleConfig& schedule) {
    schedule.kind = static_cast<Schedule>(number(3));
    schedule.warmup_steps = number(1'000'000);
    if (schedule.kind != Schedule::kStep && schedule.kind != Schedule::kCosine) return;
    schedule.decay_steps = 1 + number(1'000'000);
    schedule.factor = 0.5f * positive();
  }

  void fill_model(ModelConfig& model) {
    model.structure = static_cast<Structure>(number(1));
    model.cross_layers = static_cast<uint32_t>(number(5));
    model.deep_units = units();
    model.activation = static_cast<Activation>(number(1));
    model.attention_units = units();
    model.attention_softmax = coin();
    model.head = static_cast<Head>(number(1));
    if (model.head == Head::kMmoe) model.experts = 1 + static_cast<uint32_t>(number(9));
    model.expert_units = units();
    if (model.head == Head::kMmoe) model.expert_units.push_back(8);
    model.tower_units = units();
    for (size_t i = 0; i <= number(2); ++i) {
      TaskConfig task;
      task.name = fmt::format("task{}", i);
      task.column = name(kNames - 1);
      task.comparison = static_cast<Comparison>(number(5));
      task.loss = static_cast<Loss>(number(1));
      task.weight = positive();
      if (task.comparison != Comparison::kNone) task.threshold = real();
      model.tasks.push_back(task);
    }
  }

  void fill_train(TrainConfig& train) {
    train.workers = 1 + static_cast<uint32_t>(number(7));
    train.batch_size = 16 + number(100'000);
    train.epochs = 1 + static_cast<uint32_t>(number(9));
    train.max_steps = number(1'000'000);
    train.seed = random_();
    train.prefetch = static_cast<uint32_t>(number(4));
    train.speculative_pulls = train.prefetch > 0 && coin();
    train.precision = static_cast<Precision>(number(1));
    if (coin()) train.optimizer.name = "sgd";
    if (train.optimizer.name == "adam") train.optimizer.beta2 = 0.5f * positive();
    train.optimizer.learning_rate = positive();
    fill_schedule(train.optimizer.schedule);
    train.report_every = 1 + static_cast<uint32_t>(number(99));
    train.stall_timeout_s = 1 + static_cast<uint32_t>(number(99));
  }

  void fill_ps(PsConfig& ps) {
    if (coin()) ps.wire = ValueType::kBfloat16;
    ps.servers = 1 + static_cast<uint32_t>(number(7));
    ps.shards_per_server = 1 + static_cast<uint32_t>(number(7));
    ps.hot_bytes = coin() ? 0 : 1 + number(uint64_t{1} << 40);
    ps.log_bytes_max = 1 + number(uint64_t{1} << 40);
    ps.durability = static_cast<Durability>(number(2));
    if (coin()) ps.recovery = Recovery::kReport;
    ps.state = text();
    ps.transport = coin() ? "tcp" : "ipc";
    ps.allow_insecure = coin();
    if (ps.allow_insecure) ps.address = "10.0.0.7";
    ps.timeout_s = 1 + static_cast<uint32_t>(number(99));
    ps.max_respawns = static_cast<uint32_t>(number(9));
    ps.read_threads = 1 + static_cast<uint32_t>(number(7));
    ps.removal_period = 16 + static_cast<uint32_t>(number(100'000));
  }

  static constexpr int kNames = 12;
  static std::string name(int i) { return fmt::format("column {}", i); }

  // Text that YAML, or our own variables, could take for something else.
  std::string text() {
    constexpr std::string_view kPieces[] = {"a", "/",  " ",  ": ", "#", "\"", "'",  "\\",  "${X}",
                                            "$", "\n", "\t", "é",  "-", "1",  "&x", "*",   "true",
                                            "{", "[",  ",",  "~",  "%", "@",  "0",  "\x01"};
    std::string out;
    for (size_t i = 0; i <= number(4); ++i) out += kPieces[number(std::size(kPieces) - 1)];
    return out;
  }

  std::vector<uint32_t> units() {
    std::vector<uint32_t> out(number(3));
    for (uint32_t& width : out) width = 1 + static_cast<uint32_t>(number(1'000));
    return out;
  }

  uint64_t number(uint64_t max) { return std::uniform_int_distribution<uint64_t>(0, max)(random_); }
  bool coin() { return number(1) == 1; }
  double real() { return std::uniform_real_distribution<double>(-1.0, 1.0)(random_); }
  float positive() { return std::uniform_real_distribution<float>(1e-6f, 1.0f)(random_); }

  std::mt19937_64 random_;
};

TEST(Resolved, LoadsBackToTheSameJob) {
  RandomJob random(test_seed());
  for (int i = 0; i < 300; ++i) {
    const JobConfig job = random.make();
    const std::string text = write_resolved(job);
    const JobFileResult result = parse_job(text, "resolved.yaml");
    ASSERT_TRUE(result.ok()) << text << to_string(result.diagnostics);
    ASSERT_TRUE(result.job == job) << text << "\n=== became ===\n" << write_resolved(result.job);
  }
}

TEST(Resolved, IsItsOwnResolvedForm) {
  const JobFileResult result = parse_job(kJob, "job.yaml");
  const std::string text = write_resolved(result.job);
  EXPECT_EQ(write_resolved(parse_job(text, "resolved.yaml").job), text);
}

TEST(Resolved, KeepsTheTargetOfAttention) {
  const std::string job = job_with(
      "    dim: 8",
      "    dim: 8\n  - {name: seen, transform: hash, pooling: attention, dim: 8, target: item}");
  const JobFileResult result = parse_job(job, "job.yaml");
  ASSERT_TRUE(result.ok()) << to_string(result.diagnostics);
  const JobFileResult again = parse_job(write_resolved(result.job), "resolved.yaml");
  ASSERT_TRUE(again.ok()) << to_string(again.diagnostics);
  EXPECT_EQ(again.job.features.back().target, "item");
  EXPECT_EQ(again.job, result.job);
}

TEST(ConfigHash, IsTheSameInAnotherOutputFolder) {
  const auto hash = [](const std::vector<std::string>& overrides) {
    return config_hash(parse_job(kJob, "job.yaml", overrides).job);
  };
  EXPECT_EQ(hash({}).size(), 16u);
  EXPECT_EQ(hash({}), hash({"output=elsewhere"}));
  EXPECT_NE(hash({}), hash({"train.seed=2"}));
  EXPECT_NE(hash({}), hash({"ps.state=/fast"}));
}

}  // namespace
}  // namespace cairn
