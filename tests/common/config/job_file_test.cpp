#include "common/config/job_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "tests/common/config/job_text.h"

namespace cairn {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// One mistake and the one line that explains it.
struct Mistake {
  std::string from, to;  // in kJob
  std::string line;
};

std::ostream& operator<<(std::ostream& out, const Mistake& mistake) { return out << mistake.to; }

class JobFileMistakes : public testing::TestWithParam<Mistake> {};

TEST_P(JobFileMistakes, AreExplainedWithTheirPosition) {
  EXPECT_THAT(problems(job_with(GetParam().from, GetParam().to)), ElementsAre(GetParam().line));
}

const Mistake kKeys[] = {
    {"  batch_size: 512", "  batchsize: 512",
     "job.yaml:19:3: train.batchsize: unknown key; did you mean 'batch_size'?"},
    {"train:\n  workers", "trian:\n  workers",
     "job.yaml:17:1: trian: unknown key; did you mean 'train'?"},
    {"      loss: mse", "      kind_of_loss: mse",
     "job.yaml:16:7: model.tasks.1.kind_of_loss: unknown key; known: name, label, loss, "
     "gamma, alpha, delta, weight, sample_weight, product"},
    {"  workers: 2\n", "  workers: 2\n  workers: 3\n",
     "job.yaml:19:3: train.workers: duplicate key; the first is at 18:3; remove one"},
    {"output: runs/x\n", "",
     "job.yaml:1:1: output: required key is missing; want text: folder of the run: results, "
     "metrics, checkpoints, resolved.yaml"},
    {"  train: [a.csv, b.csv.gz]\n", "",
     "job.yaml:2:1: data.train: required key is missing; want text or a list of text: training "
     "files, in order; .gz and .zst are decoded into cache"},
    {"      label: rating\n", "",
     "job.yaml:14:7: model.tasks.1.label: required key is missing; want a column, or a comparison "
     "as 'rating >= 4': a column, or a comparison with a number (`rating >= 4`; also > <= < ==) "
     "that makes 1 or 0"},
    {"train:\n  workers", "<<: {}\ntrain:\n  workers",
     "job.yaml:17:1: <<: merge keys (<<) are not supported; write the keys out"},
};
INSTANTIATE_TEST_SUITE_P(Keys, JobFileMistakes, testing::ValuesIn(kKeys));

const Mistake kTypes[] = {
    {"workers: 2", "workers: two",
     "job.yaml:18:12: train.workers: 'two' is not an integer; want an integer, 1 to 1024"},
    {"workers: 2", "workers: '2'",
     "job.yaml:18:12: train.workers: '2' is text, as it is quoted; want an integer, 1 to 1024"},
    {"workers: 2",
     "workers:", "job.yaml:18:3: train.workers: has no value; want an integer, 1 to 1024"},
    {"workers: 2", "workers: [2]",
     "job.yaml:18:12: train.workers: is a list; want an integer, 1 to 1024"},
    {"batch_size: 512", "batch_size: 010",
     "job.yaml:19:15: train.batch_size: '010' has a leading zero, which YAML may read as octal; "
     "write it without"},
    {"batch_size: 512", "batch_size: 512.5",
     "job.yaml:19:15: train.batch_size: '512.5' is not a whole number; want an integer, 1 to "
     "16777216"},
    {"  eval: c.csv", "  shuffle: yes",
     "job.yaml:4:12: data.shuffle: 'yes' is not true or false; want true or false"},
    {"train:\n  workers: 2\n  batch_size: 512", "train: fast",
     "job.yaml:17:8: train: 'fast' is a single value; want a block of keys: workers, batch_size, "
     "epochs, max_steps, seed, prefetch, speculative_pulls, device, precision, consistency, "
     "optimizer, "
     "report_every, stall_timeout_s"},
    {"dim: 8", "dim: {}",
     "job.yaml:10:10: features.1.dim: is a block of keys; want an integer, 1 to 4096"},
};
INSTANTIATE_TEST_SUITE_P(Types, JobFileMistakes, testing::ValuesIn(kTypes));

const Mistake kValues[] = {
    {"workers: 2", "workers: 0",
     "job.yaml:18:12: train.workers: 0 is out of range; want an integer, 1 to 1024"},
    {"workers: 2", "workers: -1",
     "job.yaml:18:12: train.workers: -1 is out of range; want an integer, 1 to 1024"},
    {"workers: 2", "workers: 99999999999999999999",
     "job.yaml:18:12: train.workers: '99999999999999999999' is too large; want an integer, 1 to "
     "1024"},
    {"loss: mse", "loss: mse\n      weight: -1",
     "job.yaml:17:15: model.tasks.1.weight: -1 is out of range; want a number, 0 or more"},
    {"loss: mse", "loss: mse\n      weight: .nan",
     "job.yaml:17:15: model.tasks.1.weight: '.nan' is not a number; want a number, 0 or more"},
    {"loss: mse", "loss: msee",
     "job.yaml:16:13: model.tasks.1.loss: unknown value 'msee'; did you mean 'mse'?"},
    {"workers: 2", "optimizer: {type: adagrab}",
     "job.yaml:18:21: train.optimizer.type: unknown value 'adagrab'; did you mean 'adagrad'?"},
    {"workers: 2", "optimizer: {type: sgd, beta1: 0.5}",
     "job.yaml:18:26: train.optimizer.beta1: has no meaning here; only for adam, adamw and lamb"},
    {"loss: mse", "product: [like]\n      loss: mse",
     "job.yaml:16:7: model.tasks.1.product: has no meaning here; only for bce"},
    {"loss: mse", "product: [lik]",
     "job.yaml:16:16: model.tasks.1.product: 'lik' is no task of 0/1 labels that has a tower; did "
     "you mean 'like'?"},
    {"workers: 2", "optimizer: {beta1: 1}",
     "job.yaml:18:22: train.optimizer.beta1: 1 is out of range; want a number, from 0, below 1"},
    {"workers: 2", "optimizer: {learning_rate: 0}",
     "job.yaml:18:30: train.optimizer.learning_rate: 0 is out of range; want a number, above 0"},
    {"workers: 2", "optimizer: {schedule: {type: linear}}",
     "job.yaml:18:32: train.optimizer.schedule.type: unknown value 'linear'; want constant, step, "
     "cosine, inverse_sqrt"},
    {"workers: 2", "optimizer: {schedule: {factor: 0.5}}",
     "job.yaml:18:26: train.optimizer.schedule.factor: has no meaning here; only for step and "
     "cosine"},
    {"train:\n", "ps:\n  optimizer: {type: sgd, beta1: 0.5}\ntrain:\n",
     "job.yaml:18:26: ps.optimizer.beta1: has no meaning here; sgd takes learning_rate, "
     "weight_decay, clip_norm, schedule"},
    {"train:\n", "ps:\n  optimizer: {type: adamw, momentum: 0.5}\ntrain:\n",
     "job.yaml:18:28: ps.optimizer.momentum: has no meaning here; adamw takes learning_rate, "
     "weight_decay, clip_norm, epsilon, beta1, beta2, schedule"},
    {"train:\n", "ps:\n  optimizer: {type: adm}\ntrain:\n",
     "job.yaml:18:21: ps.optimizer.type: unknown value 'adm'; did you mean 'adam'?"},
    {"workers: 2", "consistency: async",
     "job.yaml:18:16: train.consistency: 'async' is not in this version; want sync"},
    {"workers: 2", "device: tpu",
     "job.yaml:18:11: train.device: unknown value 'tpu'; did you mean 'cpu'?"},
    {"label: rating\n", "label: rating >= four\n",
     "job.yaml:15:14: model.tasks.1.label: 'four' in 'rating >= four' is not a number; write "
     "'column >= number'"},
    {"eval: c.csv", "train_: c.csv",
     "job.yaml:4:3: data.train_: unknown key; did you mean 'train'?"},
    {"[a.csv, b.csv.gz]", "[]", "job.yaml:3:10: data.train: is empty; want text or a list of text"},
    {"[a.csv, b.csv.gz]", "[a.csv, '']",
     "job.yaml:3:18: data.train.1: is empty; want text or a list of text"},
    {"[a.csv, b.csv.gz]", "${CAIRN_TEST_UNSET}/a.csv",
     "job.yaml:3:10: data.train: the environment variable CAIRN_TEST_UNSET is not set; set it: "
     "export CAIRN_TEST_UNSET=..."},
};
INSTANTIATE_TEST_SUITE_P(Values, JobFileMistakes, testing::ValuesIn(kValues));

const Mistake kFeatures[] = {
    {"[log1p, standardize]", "[hash, log1p]",
     "job.yaml:7:16: features.0.transform: hash makes ids, so nothing can follow it; put it last, "
     "and only one such"},
    {"[log1p, standardize]", "[log1p, log1p]",
     "job.yaml:7:16: features.0.transform: log1p is given twice; remove one"},
    {"[log1p, standardize]", "[log1p, hash]",
     "job.yaml:7:16: features.0.transform: hash takes columns as they are; give it alone: only "
     "integer and bucketize can follow log1p and standardize"},
    {"[log1p, standardize]", "[log2p, standardize]",
     "job.yaml:7:17: features.0.transform.0: unknown value 'log2p'; did you mean 'log1p'?"},
    {"[log1p, standardize]", "log1p\n    dim: 4",
     "job.yaml:8:5: features.0.dim: has no meaning here; only for ids, which a transform such as "
     "hash makes"},
    {"[log1p, standardize]", "cross",
     "job.yaml:7:16: features.0.transform: a cross needs two columns or more; give columns: [a, "
     "b]"},
    {"[log1p, standardize]", "cross\n    columns: [a]",
     "job.yaml:8:14: features.0.columns: a cross needs two columns or more; give columns: [a, b]"},
    {"[log1p, standardize]", "hash\n    columns: [a, b]",
     "job.yaml:8:14: features.0.columns: several columns are only for cross; give one column"},
    {"[log1p, standardize]", "bucketize",
     "job.yaml:6:5: features.0.boundaries: required key is missing; give bucketize its boundaries, "
     "ascending"},
    {"[log1p, standardize]", "bucketize\n    boundaries: [1, 3, 2]",
     "job.yaml:8:17: features.0.boundaries: boundaries do not ascend; sort them, each once"},
    {"name: age", "name: user",
     "job.yaml:8:12: features.1.names: feature 'user' is given twice; the first is features.0"},
    {"name: age", "name: rating",
     "job.yaml:6:11: features.0.name: column 'rating' is the label of task 'like'; remove it: the "
     "model would see the answer"},
    {"  - name: age\n    transform: [log1p, standardize]", "  - transform: [log1p, standardize]",
     "job.yaml:6:5: features.0.name: required key is missing; give name, or names for several "
     "features alike"},
    {"[user, item]", "u1..v3",
     "job.yaml:8:12: features.1.names: 'u1..v3' is not a range; write a range as I1..I13"},
    {"[user, item]", "[user, item]\n    column: who",
     "job.yaml:9:13: features.1.column: several features read one column; leave it out: each "
     "feature reads the column of its name"},
    {"    dim: 8", "    dim: 8\n  - {name: friend, transform: hash, table: user, dim: 9}",
     "job.yaml:11:55: features.2.dim: table 'user' has dim 8 in features.1; give both the same "
     "dim, or use two tables"},
    {"    dim: 8", "    dim: 8\n  - {name: seen, transform: hash, pooling: attention, dim: 8}",
     "job.yaml:11:5: features.2.target: required key is missing; name the feature of ids that "
     "attention scores for"},
    {"    dim: 8",
     "    dim: 8\n  - {name: seen, transform: hash, pooling: attention, dim: 8, target: items}",
     "job.yaml:11:71: features.2.target: 'items' is no feature of ids pooled without attention; "
     "did you mean 'item'?"},
    {"    dim: 8",
     "    dim: 8\n  - {name: seen, transform: hash, pooling: attention, dim: 8, target: seen}",
     "job.yaml:11:71: features.2.target: 'seen' is no feature of ids pooled without attention; "
     "known: user, item"},
    {"    dim: 8",
     "    dim: 8\n  - {name: seen, transform: hash, pooling: attention, dim: 9, target: item}",
     "job.yaml:11:71: features.2.target: 'item' has dim 8, 'seen' 9; give both the same dim, or "
     "one table"},
    {"    dim: 8", "    dim: 8\n    target: item",
     "job.yaml:11:5: features.1.target: has no meaning here; only for ids with pooling: attention"},
    {"train:\n  w", "ps: {tables: {usr: {dim: 4}}}\ntrain:\n  w",
     "job.yaml:17:15: ps.tables.usr: no feature uses this table; did you mean 'user'?"},
    {"train:\n  w", "ps: {tables: {user: {dim: 4}}}\ntrain:\n  w",
     "job.yaml:10:10: features.1.dim: table 'user' has dim 4 in ps.tables.user; give both the same "
     "dim, or use two tables"},
};
INSTANTIATE_TEST_SUITE_P(Features, JobFileMistakes, testing::ValuesIn(kFeatures));

const Mistake kBetween[] = {
    {"workers: 2", "workers: 32",
     "job.yaml:2:1: data.readers: 16 readers for 32 workers; want at least as many readers as "
     "workers"},
    {"batch_size: 512", "batch_size: 8",
     "job.yaml:19:15: train.batch_size: 8 rows for 16 readers; want at least one row per reader: "
     "raise batch_size or lower data.readers"},
    {"train:\n  w", "ps: {address: 10.0.0.1}\ntrain:\n  w",
     "job.yaml:17:15: ps.address: 10.0.0.1 is not on loopback, and endpoints are neither encrypted "
     "nor authenticated; set ps.allow_insecure: true on a network that you trust"},
    {"train:\n  w", "metrics: {address: banana}\ntrain:\n  w",
     "job.yaml:17:20: metrics.address: 'banana' is not an IP address; want digits, as in 127.0.0.1 "
     "or ::1"},
    {"train:\n  w", "metrics: {address: 0.0.0.0}\ntrain:\n  w",
     "job.yaml:17:20: metrics.address: 0.0.0.0 is not on loopback, and metrics are neither "
     "encrypted nor authenticated; set ps.allow_insecure: true on a network that you trust"},
    {"train:\n  w", "metrics: {port: 65534}\ntrain:\n  w",
     "job.yaml:17:17: metrics.port: 3 processes from port 65534 on exceed 65535; want at most "
     "65533, or 0 for ports chosen by the system"},
    {"train:\n  w", "eval: {monitor: like.auk}\ntrain:\n  w",
     "job.yaml:17:17: eval.monitor: there is no figure 'like.auk'; did you mean 'like.auc'?"},
    {"train:\n  w", "eval: {monitor: stars.auc}\ntrain:\n  w",
     "job.yaml:17:17: eval.monitor: there is no figure 'stars.auc'; known: like.auc, like.logloss, "
     "stars.rmse"},
    {"train:\n  w", "eval: {patience: 2}\ntrain:\n  w",
     "job.yaml:17:18: eval.patience: there is no figure to watch; set eval.monitor, as task.auc"},
    {"model:\n", "model:\n  head: {type: mmoe, units: []}\n",
     "job.yaml:12:29: model.head.units: an expert has no layer; give at least one width, as [64]"},
    {"name: stars", "name: like",
     "job.yaml:14:13: model.tasks.1.name: task 'like' is given twice; the first is model.tasks.0"},
    {"  eval: c.csv", "  header: false",
     "job.yaml:2:1: data.columns: required key is missing; name the columns of files without a "
     "header"},
    {"  eval: c.csv", "  columns: [a]",
     "job.yaml:4:3: data.columns: has no meaning here; only where header is false and format is "
     "not criteo"},
    {"train:\n  w", "ps: {tables: {user: {max_rows: 1000000}}}\ntrain:\n  w",
     "job.yaml:17:32: ps.tables.user.max_rows: 1000000 rows are too few for a cap; want at least "
     "1048576, 64 in each of 16384 slots: the cap is kept in every slot alone, and slots fill "
     "unevenly"},
    {"train:\n  w", "ps: {max_rows: 1}\ntrain:\n  w",
     "job.yaml:17:16: ps.max_rows: 1 rows are too few for a cap; want at least 1048576, 64 in each "
     "of 16384 slots: the cap is kept in every slot alone, and slots fill unevenly"},
    {"train:\n  w", "ps: {expiry: {unseen_seconds: 60}}\ntrain:\n  w",
     "job.yaml:17:15: ps.expiry.unseen_seconds: has no meaning here; only for train.consistency: "
     "async, which comes later: in sync every run must decide alike, so policies count steps, not "
     "seconds"},
    {"train:\n  w", "ps: {admission: {min_count: 3, probability: 0.5}}\ntrain:\n  w",
     "job.yaml:17:32: ps.admission.probability: has no meaning here; only without min_count"},
    {"train:\n  w", "ps: {admission: {filter_bytes: 1MiB}}\ntrain:\n  w",
     "job.yaml:17:18: ps.admission.filter_bytes: has no meaning here; only where min_count is "
     "above 1"},
};
INSTANTIATE_TEST_SUITE_P(Between, JobFileMistakes, testing::ValuesIn(kBetween));

TEST(JobFile, ReportsEveryMistakeAtOnceInTheOrderOfTheFile) {
  EXPECT_THAT(problems("output: [x]\n"
                       "data: {train: a.csv, readers: 0}\n"
                       "features:\n"
                       "  - {name: a, transform: hsh}\n"
                       "  - {dim: 4}\n"
                       "modle: {}\n"
                       "train: {batch_size: 1.5, batch_size: 2}\n"),
              ElementsAre(HasSubstr("job.yaml:1:1: model: required key is missing"),
                          HasSubstr("job.yaml:1:9: output: is a list"),
                          HasSubstr("job.yaml:2:31: data.readers: 0 is out of range"),
                          HasSubstr("job.yaml:4:26: features.0.transform: unknown value 'hsh'"),
                          HasSubstr("job.yaml:5:5: features.1.name: required key is missing"),
                          HasSubstr("job.yaml:5:6: features.1.dim: has no meaning here"),
                          HasSubstr("job.yaml:6:1: modle: unknown key; did you mean 'model'?"),
                          HasSubstr("job.yaml:7:21: train.batch_size: '1.5' is not a whole number"),
                          HasSubstr("job.yaml:7:26: train.batch_size: duplicate key")));
}

TEST(JobFile, ReadsValuesAndFillsDefaults) {
  const JobFileResult result = parse_job(kJob, "job.yaml");
  ASSERT_TRUE(result.ok()) << to_string(result.diagnostics);
  const JobConfig& job = result.job;
  EXPECT_EQ(job.output, "runs/x");
  EXPECT_THAT(job.data.train, ElementsAre("a.csv", "b.csv.gz"));
  EXPECT_THAT(job.data.eval, ElementsAre("c.csv"));
  EXPECT_EQ(job.data.cache, "runs/x/cache");
  EXPECT_EQ(job.ps.state, "runs/x/state");
  EXPECT_EQ(job.checkpoint.dir, "runs/x/checkpoints");
  EXPECT_EQ(job.metrics.file_sd, "runs/x/metrics_targets.json");
  EXPECT_EQ(job.train.batch_size, 512u);
  EXPECT_EQ(job.train.epochs, TrainConfig{}.epochs);

  ASSERT_EQ(job.features.size(), 3u);
  EXPECT_THAT(job.features[0].columns, ElementsAre("age"));
  EXPECT_FALSE(job.features[0].is_id());
  EXPECT_EQ(job.features[0].table, "");
  EXPECT_EQ(job.features[2].table, "item");
  ASSERT_EQ(job.tables.size(), 2u);
  EXPECT_EQ(job.tables[0].name, "user");
  EXPECT_EQ(job.tables[0].dim, 8u);

  ASSERT_EQ(job.model.tasks.size(), 2u);
  EXPECT_EQ(job.model.tasks[0].column, "rating");
  EXPECT_EQ(job.model.tasks[0].comparison, Comparison::kGreaterEqual);
  EXPECT_EQ(job.model.tasks[0].threshold, 4.0);
  EXPECT_EQ(job.model.tasks[1].comparison, Comparison::kNone);
}

TEST(JobFile, TablesTakeWhatTheyDoNotSayFromPs) {
  const JobFileResult result =
      parse_job(kJob +
                    "ps:\n"
                    "  tables: {item: {optimizer: {type: sgd}}}\n"
                    "  dim: 4\n"
                    "  optimizer: {type: adam, learning_rate: 0.5, beta1: 0.8}\n",
                "job.yaml");
  ASSERT_TRUE(result.ok()) << to_string(result.diagnostics);
  const RowOptimizerConfig& user = result.job.tables[0].optimizer;
  EXPECT_EQ(user.name, "adam");
  EXPECT_EQ(user.beta1, 0.8f);
  const RowOptimizerConfig& item = result.job.tables[1].optimizer;
  EXPECT_EQ(item.name, "sgd");
  EXPECT_EQ(item.learning_rate, 0.5f);
  EXPECT_EQ(item.beta1, RowOptimizerConfig{}.beta1);  // sgd has none
}

TEST(JobFile, RangesOfNamesAreWrittenOut) {
  const JobFileResult result = parse_job(
      "output: o\n"
      "data: {train: a.tsv, format: criteo}\n"
      "features:\n"
      "  - {names: I1..I13, transform: log1p}\n"
      "  - {names: C1..C26, transform: hash}\n"
      "model: {tasks: [{name: click, label: label}]}\n",
      "job.yaml");
  ASSERT_TRUE(result.ok()) << to_string(result.diagnostics);
  EXPECT_EQ(result.job.features.size(), 39u);
  EXPECT_EQ(result.job.features[38].name, "C26");
  EXPECT_FALSE(result.job.data.header);
  EXPECT_EQ(result.job.data.columns, criteo_columns());
}

TEST(JobFile, ColumnsThatTheFileNamesAreCheckedAgainst) {
  EXPECT_THAT(
      problems("output: o\n"
               "data: {train: a.csv, header: false, columns: [y, age, a01..a12]}\n"
               "features:\n"
               "  - {names: a01..a13, transform: hash}\n"
               "  - {name: old, column: aeg}\n"
               "model: {tasks: [{name: t, label: x == 1}]}\n"),
      ElementsAre("job.yaml:4:13: features.0.names: there is no column 'a13'; did you mean "
                  "'a03'?",
                  "job.yaml:5:25: features.1.column: there is no column 'aeg'; did you mean "
                  "'age'?",
                  "job.yaml:6:34: model.tasks.0.label: there is no column 'x'; did you mean "
                  "'y'?"));
}

TEST(JobFile, ReplacesVariablesOfTheEnvironment) {
  setenv("CAIRN_TEST_FOLDER", "/data", 1);
  const JobFileResult result =
      parse_job(job_with("[a.csv, b.csv.gz]",
                         "['${CAIRN_TEST_FOLDER}/a.csv', '${CAIRN_TEST_UNSET:-b}.csv', '$${x}']"),
                "job.yaml");
  ASSERT_TRUE(result.ok()) << to_string(result.diagnostics);
  EXPECT_THAT(result.job.data.train, ElementsAre("/data/a.csv", "b.csv", "${x}"));
}

TEST(JobFile, SyntaxErrorsHaveAPosition) {
  EXPECT_THAT(problems("output: x\ndata: [a\n"),
              ElementsAre(HasSubstr("job.yaml:3:1: not YAML: ")));
  EXPECT_THAT(problems("output: x\n\tdata: 1\n"),
              ElementsAre(HasSubstr("job.yaml:2:1: not YAML: ")));
}

class JobFileOnDisk : public testing::Test {
 protected:
  JobFileOnDisk() { std::filesystem::create_directories(folder_); }
  ~JobFileOnDisk() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& text) {
    const std::string path = folder_ / "job.yaml";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }

  static std::string only_problem(const std::string& path) {
    const JobFileResult result = load_job(path);
    return result.diagnostics.size() == 1 ? result.diagnostics[0].text() : "not one problem";
  }

  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("cairn_job_file_" + std::to_string(::getpid()));
};

TEST_F(JobFileOnDisk, LoadsAFile) { EXPECT_TRUE(load_job(write(kJob)).ok()); }

TEST_F(JobFileOnDisk, ExplainsWhatIsNoJobFile) {
  EXPECT_EQ(
      only_problem("/nowhere.yaml"),
      "/nowhere.yaml: cannot be read: No such file or directory; give the path of a job file");
  EXPECT_THAT(only_problem(folder_), HasSubstr(": is a directory; "));
  EXPECT_THAT(only_problem(write("")), HasSubstr(": is empty; "));
  EXPECT_THAT(only_problem(write("# nothing\n")), HasSubstr(": is empty; "));
  EXPECT_THAT(only_problem(write("just text\n")), HasSubstr(": is not a block of keys; "));
  EXPECT_THAT(only_problem(write(std::string("a\0b", 3))), HasSubstr(": is a binary file; "));
  EXPECT_THAT(only_problem(write(std::string(1 << 20, '#'))),
              HasSubstr(": is larger than 256 KiB; "));
}

}  // namespace
}  // namespace cairn
