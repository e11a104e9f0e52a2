// Each mistake of a user is answered by one clear message and the right exit code; nothing hangs,
// nothing half-written is left that looks whole.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "common/random.h"
#include "tests/integration/small_job.h"
#include "tests/seed.h"

namespace cairn {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class BadInput : public testing::Test {
 protected:
  // Trains locally with `overrides`: exit code `code`, and stderr says all of `words`.
  void expect_refused(const std::vector<std::string>& overrides, int code,
                      const std::vector<std::string>& words) {
    std::filesystem::remove_all(job.folder() / "refused");
    const Ran ran = job.train("refused", overrides, {"--local"});
    EXPECT_EQ(ran.exit_code, code) << ran.out << ran.err;
    for (const std::string& word : words) EXPECT_THAT(ran.err, HasSubstr(word));
    EXPECT_FALSE(std::filesystem::exists(job.folder() / "refused" / "result.json"));
  }
  std::string write(const std::string& name, const std::string& content) {
    const std::filesystem::path path = job.folder() / name;
    std::ofstream(path, std::ios::binary) << content;
    return path.string();
  }

  SmallJob job{test_seed(), 600};
};

TEST_F(BadInput, NamesAMissingFile) {
  expect_refused({"data.train=/no/such/file.csv"}, 3, {"/no/such/file.csv"});
}

TEST_F(BadInput, NamesAnEmptyFile) {
  const std::string file = write("empty.csv", "");
  expect_refused({"data.train=" + file}, 3, {file});
}

TEST_F(BadInput, RefusesAHeaderWithoutSamples) {
  expect_refused({"data.train=" + write("header.csv", "user,item,tags,price,rating\n")}, 3,
                 {"has no samples"});
}

TEST_F(BadInput, NamesADirectory) {
  expect_refused({"data.train=" + job.folder().string()}, 3, {job.folder().string()});
}

TEST_F(BadInput, NamesATruncatedGzip) {
  const std::string whole = job.folder() / "train.csv";
  const std::string command = "gzip -c " + whole + " | head -c 2000 > " + whole + ".gz";
  ASSERT_EQ(std::system(command.c_str()), 0);
  expect_refused({"data.train=" + whole + ".gz"}, 3, {whole + ".gz"});
}

TEST_F(BadInput, RefusesABinaryFile) {
  RandomStream random(test_seed(), 5);
  std::string bytes(100'000, '\0');
  for (char& byte : bytes) byte = static_cast<char>(random.next_u32());
  const std::string file = write("binary.csv", bytes);
  expect_refused({"data.train=" + file}, 3, {file});
}

TEST_F(BadInput, NamesAMissingLabelColumn) {
  expect_refused({"model.tasks.1.label=ratting"}, 3, {"ratting", "rating"});
}

TEST_F(BadInput, CountsBadRowsWithTheirPlaceAndStopsPastTheLimit) {
  std::string text = read_file(job.train_data());
  text += "u1,i1,t1,nan,3\nu1,i1,t1,inf,3\nu1,i1,t1,2.5\nu1,\"i1\nx\",t1,2,3\nu1,i1,t1,2,unknown\n";
  const std::string file = write("bad.csv", text);
  expect_refused({"data.train=" + file, "data.max_bad_samples=2"}, 3,
                 {"max_bad_samples", file + ":602"});
  const Ran ran = job.train("tolerant", {"data.train=" + file}, {"--local"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
}

TEST_F(BadInput, CountsBadEvaluationRowsOverAllWorkers) {
  std::string text = read_file(job.folder() / "eval.csv");
  for (int row = 0; row < 64; ++row) text.insert(text.find('\n') + 1, "u1,i1,t1,nan,3\n");
  const std::string file = write("bad_eval.csv", text);
  for (const char* workers : {"1", "2", "4"})
    expect_refused(
        {"data.eval=" + file, "data.max_bad_samples=40", std::string("train.workers=") + workers},
        3, {"max_bad_samples"});
}

TEST_F(BadInput, RefusesToGoOnWithinAnEpochInAnotherOrderOfRows) {
  ASSERT_EQ(job.train("run", {"train.max_steps=4"}, {"--local"}).exit_code, 0);
  const Ran other = job.train("run", {"train.seed=2"}, {"--local", "--resume"});
  EXPECT_EQ(other.exit_code, 2);
  EXPECT_THAT(other.err, HasSubstr("train.seed"));
  EXPECT_EQ(job.train("run", {}, {"--local", "--resume"}).exit_code, 0);
}

TEST_F(BadInput, RefusesAnOutputThatCannotBeWritten) {
  const Ran ran = run_cairn(
      {"train", job.file().string(), "--local", "--set", "output=" + write("file", "") + "/run"});
  EXPECT_EQ(ran.exit_code, 1) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("file/run"));
}

TEST_F(BadInput, RefusesAUsedOutputUnlessItResumes) {
  ASSERT_EQ(job.train("run", {}, {"--local"}).exit_code, 0);
  const Ran second = job.train("run", {}, {"--local"});
  EXPECT_EQ(second.exit_code, 2);
  EXPECT_THAT(second.err, HasSubstr("--resume"));
  const Ran resumed = job.train("run", {"train.epochs=3"}, {"--local", "--resume"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
}

TEST_F(BadInput, NamesAPortInUse) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ASSERT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(::listen(socket, 1), 0);
  ASSERT_EQ(::getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length), 0);
  const std::string port = std::to_string(ntohs(address.sin_port));
  expect_refused({"metrics.port=" + port}, 1, {port});
  ::close(socket);
}

TEST_F(BadInput, NamesADamagedCheckpoint) {
  ASSERT_EQ(job.train("run", {}, {"--local"}).exit_code, 0);
  const std::filesystem::path dense = job.checkpoint("run") / "dense.safetensors";
  std::string bytes = read_file(dense);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  std::ofstream(dense, std::ios::binary) << bytes;
  const Ran resumed = job.train("run", {"train.epochs=3"}, {"--local", "--resume"});
  EXPECT_NE(resumed.exit_code, 0);
  EXPECT_THAT(resumed.err, HasSubstr("dense.safetensors"));
}

TEST_F(BadInput, RefusesACheckpointOfAnotherModel) {
  ASSERT_EQ(job.train("run", {}, {"--local"}).exit_code, 0);
  const Ran resumed =
      job.train("run", {"model.deep.units=[24]", "train.epochs=3"}, {"--local", "--resume"});
  EXPECT_EQ(resumed.exit_code, 2) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("deep.0.weight"));
}

TEST_F(BadInput, ExplainsAJobFileToTheLine) {
  const std::string file = write("wrong.yaml", read_file(job.file()) + "trian: {epochs: 2}\n");
  const Ran ran = run_cairn({"train", file});
  EXPECT_EQ(ran.exit_code, 2);
  EXPECT_THAT(ran.err, AllOf(HasSubstr(file + ":"), HasSubstr("trian"), HasSubstr("train")));
}

TEST_F(BadInput, SaysWhatInstallsMpirun) {
  const Ran ran = run_cairn(job.train_arguments("refused"), {{"PATH", "/nowhere"}});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.err, HasSubstr("openmpi-bin"));
}

}  // namespace
}  // namespace cairn
