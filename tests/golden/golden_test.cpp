// Files of versions that came before must go on opening, with the contents that they had then.
// tests/golden/README.md says which there are and how a version is added.

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "common/hash.h"
#include "ps/log/log_reader.h"
#include "tests/common/temporary_folder.h"
#include "tests/integration/launch_program.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

std::vector<std::string> lines_of(const fs::path& file) {
  std::ifstream stream(file);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// The sum of hash(place, byte), as make_log.cpp took it of what it wrote.
uint64_t sum_of(const zmq::message_t& part) {
  uint64_t sum = 0;
  for (size_t i = 0; i < part.size(); ++i)
    sum += hash_key(i << 8 | static_cast<const unsigned char*>(part.data())[i]);
  return sum;
}

// A record as a line of log.txt.
std::string line_of(const ps::LogRecord& record) {
  std::string line = fmt::format("{} kind {}", record.lsn, static_cast<int>(record.kind));
  if (record.kind == ps::RecordKind::kReplayStart) {
    line += fmt::format(" after {}", record.replay_after);
    for (const ps::WorkerSequence& worker : record.sequences)
      line += fmt::format(" {}/{}", worker.sequence, worker.applied_step);
  } else if (record.kind == ps::RecordKind::kDelete) {
    line += fmt::format(" step {}", record.step);
    for (const ps::DeletedKey& deleted : record.deleted)
      line += fmt::format(" {}/{}", deleted.key, deleted.table);
  } else {
    line += fmt::format(" step {} tables {} keys {:016x} values {:016x}", record.push->header.step,
                        record.push->directory.size(), sum_of(record.push->keys),
                        sum_of(record.push->values));
  }
  return line;
}

class Golden : public testing::TestWithParam<const char*> {
 protected:
  fs::path golden() const { return fs::path(CAIRN_SOURCE) / "tests/golden" / GetParam(); }
};

TEST_P(Golden, APushLogHasTheRecordsThatWereWritten) {
  const auto log = ps::LogReader::open(golden() / "log", {});
  ASSERT_TRUE(log.ok()) << log.error().message;
  ASSERT_TRUE(log.value()->replay_start().has_value());
  const ps::Lsn replay_after = log.value()->replay_start()->replay_after;
  std::vector<std::string> found;
  const Status read = log.value()->for_each([&](const ps::LogRecord& record) -> Status {
    found.push_back(line_of(record));
    return Ok{};
  });
  ASSERT_TRUE(read.ok()) << read.error().message;
  std::vector<std::string> written = lines_of(golden() / "log.txt");
  ASSERT_GT(written.size(), replay_after);
  written.erase(written.begin(), written.begin() + static_cast<ptrdiff_t>(replay_after));
  EXPECT_EQ(found, written);
}

// The program in a folder of its own with the job, its data and its checkpoint.
class GoldenJob : public Golden {
 protected:
  void SetUp() override {
    fs::copy(golden() / "job", folder_.path(), fs::copy_options::recursive);
    const std::string step = lines_of(golden() / "job/step.txt").at(0);
    checkpoint_ = folder_.path() / "runs/checkpoints" / step;
    fs::create_directories(checkpoint_.parent_path());
    fs::rename(folder_.path() / "checkpoint", checkpoint_);
    before_ = fs::current_path();
    fs::current_path(folder_.path());
  }
  void TearDown() override { fs::current_path(before_); }

  TemporaryFolder folder_;
  fs::path checkpoint_, before_;
};

TEST_P(GoldenJob, RowsAndFilesOfACheckpointAreThoseThatWereSaved) {
  const Ran ran = run_cairn({"inspect", "--digest", "--dense", checkpoint_});
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  size_t tables = 0;
  for (const std::string& line : lines_of(golden() / "job/inspect.txt")) {
    if (!line.starts_with("table ") && !line.starts_with("file ")) continue;
    tables += line.starts_with("table ") ? 1 : 0;
    EXPECT_THAT(ran.out, HasSubstr(line + "\n"));
  }
  EXPECT_EQ(tables, 5u);
}

TEST_P(GoldenJob, ACheckpointPredictsWhatItDid) {
  const Ran ran = run_cairn({"predict", "--local", "job.yaml", "--output", "again.csv"});
  ASSERT_EQ(ran.exit_code, 0) << ran.err;
  const std::vector<std::string> before = lines_of("predictions.csv"), now = lines_of("again.csv");
  ASSERT_EQ(now.size(), before.size());
  ASSERT_GT(now.size(), 60u);
  EXPECT_EQ(now[0], before[0]);
  for (size_t i = 1; i < now.size(); ++i) {
    std::istringstream was(before[i]), is(now[i]);
    for (std::string a, b; std::getline(was, a, ',') && std::getline(is, b, ',');)
      EXPECT_NEAR(std::stod(a), std::stod(b), 1e-4) << "line " << i;  // other processors round
  }
}

TEST_P(GoldenJob, ACheckpointIsEvaluatedAndTrainedFurther) {
  const Ran evaluated = run_cairn({"eval", "--local", "job.yaml"});
  EXPECT_EQ(evaluated.exit_code, 0) << evaluated.err;
  const Ran trained =
      run_cairn({"train", "--local", "--resume", "job.yaml", "--set", "train.epochs=2"});
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_TRUE(fs::exists("runs/result.json"));
}

INSTANTIATE_TEST_SUITE_P(Versions, Golden, testing::Values("v1"));
INSTANTIATE_TEST_SUITE_P(Versions, GoldenJob, testing::Values("v1"));

}  // namespace
}  // namespace cairn
