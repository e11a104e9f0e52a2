// The words and exit codes of `cairn` where the command line, the job, its data or its output
// folder is wrong. No process of a job is started here, except where mpirun is the one to start it
// wrongly.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "launcher/exit_code.h"
#include "launcher/output_folder.h"
#include "tests/integration/launch_program.h"

namespace cairn {

namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

const std::vector<std::string> kCommands = {"train",    "eval",    "predict", "validate",
                                            "gen-data", "inspect", "ps",      "version"};

class CommandLineTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = testing::TempDir() + "cairn-command-XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
    write("train.csv", "user,click\n1,0\n2,1\n");
    write("eval.csv", "user,click\n1,1\n");
    write_job("");
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string path(const std::string& name) const { return (folder / name).string(); }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(path(name)) << text;
  }
  // A small job that is right, with more lines at its end.
  void write_job(const std::string& more) {
    write("job.yaml", "output: " + path("run") + "\ndata:\n  train: " + path("train.csv") +
                          "\n  eval: " + path("eval.csv") +
                          "\nfeatures:\n  - {name: user, transform: hash}\nmodel:\n  tasks:\n"
                          "    - {name: click, label: click}\n" +
                          more);
  }
  Ran train(std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"train", path("job.yaml")});
    return run_cairn(more);
  }

  std::filesystem::path folder;
};

TEST_F(CommandLineTest, NoCommandAndAnUnknownOneAreTold) {
  const Ran none = run_cairn({});
  EXPECT_EQ(none.exit_code, launcher::kUsage);
  EXPECT_THAT(none.err, HasSubstr("cairn --help"));
  const Ran unknown = run_cairn({"trian", "job.yaml"});
  EXPECT_EQ(unknown.exit_code, launcher::kUsage);
  EXPECT_THAT(unknown.err, AllOf(testing::StartsWith("cairn: "), HasSubstr("trian")));
  EXPECT_THAT(run_cairn({"train", "job.yaml", "--epocs"}).err,
              AllOf(testing::StartsWith("cairn: "), HasSubstr("see cairn train --help")));
}

TEST_F(CommandLineTest, HelpNamesEveryCommandAndEveryCommandHasHelp) {
  const Ran help = run_cairn({"--help"});
  EXPECT_EQ(help.exit_code, launcher::kDone);
  for (const std::string& command : kCommands) {
    EXPECT_THAT(help.out, HasSubstr("\n  " + command));
    const Ran own = run_cairn({command, "--help"});
    EXPECT_EQ(own.exit_code, launcher::kDone) << command;
    EXPECT_THAT(own.out, HasSubstr("Usage: cairn " + command)) << command;
  }
}

TEST_F(CommandLineTest, AnUnknownOptionIsRefusedByEveryCommand) {
  for (const std::string& command : kCommands) {
    const Ran ran = run_cairn({command, "--epocs"});
    EXPECT_EQ(ran.exit_code, launcher::kUsage) << command;
  }
}

TEST_F(CommandLineTest, WhatACommandNeedsIsAskedFor) {
  EXPECT_THAT(run_cairn({"train"}).err, HasSubstr("job"));
  const Ran predict = run_cairn({"predict", path("job.yaml")});
  EXPECT_EQ(predict.exit_code, launcher::kUsage);
  EXPECT_THAT(predict.err, HasSubstr("--output"));
  EXPECT_EQ(run_cairn({"validate"}).exit_code, launcher::kUsage);
  EXPECT_EQ(run_cairn({"inspect"}).exit_code, launcher::kUsage);
}

TEST_F(CommandLineTest, CountsOfGeneratedSamplesAreWrittenAsInAJobFile) {
  const Ran ran = run_cairn({"gen-data", "--output", path("log"), "--samples", "1e3", "--eval-rows",
                             "1_00", "--cardinality", "1e2"});
  EXPECT_EQ(ran.exit_code, launcher::kDone) << ran.err;
  EXPECT_THAT(ran.out,
              AllOf(HasSubstr("train.csv: 1000 samples"), HasSubstr("eval.csv: 100 samples")));
  for (const char* wrong : {"1.5", "-1", "many"})
    EXPECT_EQ(run_cairn({"gen-data", "--output", path("log"), "--rows", wrong}).exit_code,
              launcher::kUsage);
}

TEST_F(CommandLineTest, TheFirstJobOfTheReadmeIsRightAndItsMistakeIsToldAsItSays) {
  std::ifstream file(CAIRN_README);
  std::string job, told;
  bool in_job = false;
  for (std::string line; std::getline(file, line);) {
    if (line == "   ```") in_job = false;
    if (in_job) job += line.substr(std::min<size_t>(3, line.size())) + "\n";
    if (line == "   ```yaml") in_job = true;
    if (line.starts_with("   job.yaml:")) told = line.substr(line.find(':'));
  }
  write("job.yaml", job);
  EXPECT_EQ(run_cairn({"validate", path("job.yaml")}).exit_code, launcher::kDone);
  ASSERT_NE(job.find("pooling"), std::string::npos);
  write("job.yaml", job.replace(job.find("pooling"), 7, "poolin"));
  EXPECT_THAT(run_cairn({"validate", path("job.yaml")}).err,
              HasSubstr(path("job.yaml") + told + "\n"));
}

TEST_F(CommandLineTest, VersionIsPrinted) {
  const Ran ran = run_cairn({"version"});
  EXPECT_EQ(ran.exit_code, launcher::kDone);
  EXPECT_THAT(ran.out, testing::MatchesRegex("cairn [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_F(CommandLineTest, AServerStartedByHandSaysWhoStartsIt) {
  const Ran ran = run_cairn({"ps"});
  EXPECT_EQ(ran.exit_code, launcher::kUsage);
  EXPECT_THAT(ran.err, HasSubstr("cairn train"));
}

TEST_F(CommandLineTest, AMissingJobFileIsNamed) {
  for (const char* command : {"train", "eval", "validate"}) {
    const Ran ran = run_cairn({command, path("nothing.yaml")});
    EXPECT_EQ(ran.exit_code, launcher::kUsage) << command;
    EXPECT_THAT(ran.err, HasSubstr(path("nothing.yaml"))) << command;
  }
}

TEST_F(CommandLineTest, AllThatIsWrongInAJobIsToldAtOnceAndNothingIsTouched) {
  write_job("train:\n  epocs: 2\nps:\n  servers: many\n");
  for (const char* local : {"--local", "--resume"}) {
    const Ran ran = train({local, "--set", "eval.evry=3"});
    EXPECT_EQ(ran.exit_code, launcher::kUsage);
    EXPECT_THAT(ran.err, AllOf(HasSubstr(path("job.yaml") + ":11:"), HasSubstr("epocs"),
                               HasSubstr(path("job.yaml") + ":13:"), HasSubstr("many"),
                               HasSubstr("--set"), HasSubstr("evry")));
  }
  EXPECT_FALSE(std::filesystem::exists(path("run")));
}

TEST_F(CommandLineTest, ValidatePrintsWhatWouldStartAndTheJobWithItsDefaults) {
  const Ran summary = run_cairn({"validate", path("job.yaml")});
  EXPECT_EQ(summary.exit_code, launcher::kDone) << summary.err;
  EXPECT_THAT(summary.out, HasSubstr("server"));
  const Ran resolved =
      run_cairn({"validate", path("job.yaml"), "--print-resolved", "--set", "train.epochs=7"});
  EXPECT_EQ(resolved.exit_code, launcher::kDone) << resolved.err;
  EXPECT_THAT(resolved.out, AllOf(HasSubstr("epochs: 7"), HasSubstr("servers: 1")));
  write("resolved.yaml", resolved.out);
  EXPECT_EQ(run_cairn({"validate", path("resolved.yaml"), "--print-resolved"}).out, resolved.out);
  const Ran reference = run_cairn({"validate", "--print-reference"});
  EXPECT_EQ(reference.exit_code, launcher::kDone);
  EXPECT_THAT(reference.out, HasSubstr("batch_size"));
}

TEST_F(CommandLineTest, DataThatIsNotThereIsNamedBeforeAnythingStarts) {
  const auto refused = [&](const std::string& set, const std::string& why) {
    const Ran ran = train({"--set", set});
    EXPECT_EQ(ran.exit_code, launcher::kBadInput) << ran.err;
    EXPECT_THAT(ran.err, AllOf(HasSubstr(set.substr(0, set.find('='))),
                               HasSubstr(set.substr(set.find('=') + 1)), HasSubstr(why)));
  };
  refused("data.train=" + path("nothing.csv"), "no such file");
  refused("data.eval=" + path("nothing.csv"), "no such file");
  refused("data.train=" + folder.string(), "folder");
  write("empty.csv", "");
  refused("data.train=" + path("empty.csv"), "empty");
  ASSERT_EQ(mkfifo(path("pipe").c_str(), 0600), 0);
  refused("data.train=" + path("pipe"), "not a regular file");
  EXPECT_FALSE(std::filesystem::exists(path("run")));
}

TEST_F(CommandLineTest, AColumnThatTheDataLacksIsNamedBeforeAnythingStarts) {
  for (const std::string set : {"model.tasks.0.label=clik", "features.0.name=usr"}) {
    for (const char* command : {"train", "validate"}) {
      const Ran ran = run_cairn({command, path("job.yaml"), "--set", set});
      EXPECT_EQ(ran.exit_code, launcher::kBadInput) << ran.err;
      EXPECT_THAT(ran.err, AllOf(HasSubstr(path("train.csv")), HasSubstr("is '"),
                                 HasSubstr(set.substr(set.find('=') + 1))));
    }
  }
  EXPECT_FALSE(std::filesystem::exists(path("run")));
  // A job may be checked where its data is not.
  EXPECT_EQ(run_cairn({"validate", path("job.yaml"), "--set", "data.train=" + path("nothing.csv")})
                .exit_code,
            launcher::kDone);
}

TEST_F(CommandLineTest, LiveStoresOfADeadRunAreRemovedBeforeAnythingIsWritten) {
  std::filesystem::create_directories(path("run/state/0123456789abcdef/shard-000"));
  std::filesystem::create_directories(path("run/checkpoints/step-000000000001"));
  write("run/checkpoints/step-000000000001/manifest.json", "damaged, so that nothing starts");
  EXPECT_EQ(train({"--resume"}).exit_code, launcher::kBadInput);
  EXPECT_FALSE(std::filesystem::exists(path("run/state")));
}

TEST_F(CommandLineTest, AUsedOutputFolderIsRefusedWithBothWaysOut) {
  std::filesystem::create_directories(path("run"));
  write("run/metrics.jsonl", "{}\n");
  for (const std::vector<std::string>& how : {std::vector<std::string>{}, {"--local"}}) {
    const Ran ran = train(how);
    EXPECT_EQ(ran.exit_code, launcher::kUsage);
    EXPECT_THAT(ran.err, AllOf(HasSubstr(path("run")), HasSubstr("--resume"), HasSubstr("output")));
  }
}

TEST_F(CommandLineTest, AnOutputFolderInUseIsRefused) {
  const auto other_run = launcher::OutputLock::take(path("run"));
  ASSERT_TRUE(other_run.ok());
  const Ran ran = train();
  EXPECT_EQ(ran.exit_code, launcher::kFailed);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("another run"), HasSubstr(path("run"))));
}

TEST_F(CommandLineTest, AnOutputFolderThatCannotBeMadeIsNamed) {
  write("run", "a file in its place");
  const Ran ran = train();
  EXPECT_EQ(ran.exit_code, launcher::kFailed);
  EXPECT_THAT(ran.err, HasSubstr(path("run")));
}

TEST_F(CommandLineTest, AMissingMpirunIsToldWithItsPackageAndTouchesNothing) {
  const Ran ran = run_cairn({"train", path("job.yaml")}, {{"PATH", ""}});
  EXPECT_EQ(ran.exit_code, launcher::kFailed);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("mpirun"), HasSubstr("openmpi-bin"), HasSubstr("--local")));
  EXPECT_FALSE(std::filesystem::exists(path("run")));
}

TEST_F(CommandLineTest, EvaluatingWithoutACheckpointSaysWhereOneWasLookedFor) {
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"eval", path("job.yaml"), "--local"},
        {"predict", path("job.yaml"), "--output", path("out.csv")}}) {
    const Ran ran = run_cairn(command);
    EXPECT_EQ(ran.exit_code, launcher::kUsage);
    EXPECT_THAT(ran.err, HasSubstr("no checkpoint in " + path("run") +
                                   "/checkpoints; train first, or give --checkpoint"));
  }
  const Ran inspect = run_cairn({"inspect", path("nothing")});
  EXPECT_EQ(inspect.exit_code, launcher::kUsage);
  EXPECT_THAT(inspect.err, HasSubstr(path("nothing")));
}

TEST_F(CommandLineTest, TheFolderOfARunIsNoCheckpointButLeadsToOne) {
  std::filesystem::create_directories(path("run/checkpoints/step-000000000007"));
  write("run/checkpoints/step-000000000007/manifest.json", "{}");
  for (const std::string& folder_given : {path("run"), path("run/checkpoints")})
    for (const std::vector<std::string>& command :
         {std::vector<std::string>{"inspect", folder_given},
          {"eval", path("job.yaml"), "--checkpoint", folder_given}}) {
      const Ran ran = run_cairn(command);
      EXPECT_EQ(ran.exit_code, launcher::kUsage);
      EXPECT_THAT(ran.err, HasSubstr(folder_given + " is no checkpoint; give " + path("run") +
                                     "/checkpoints/step-000000000007"));
    }
}

TEST_F(CommandLineTest, TheUsersMpirunWithAWrongNumberOfRanksIsToldOnce) {
  write_job("train:\n  workers: 2\nps:\n  servers: 2\n");
  const Ran ran = run_program(
      {CAIRN_MPIRUN, "-np", "3", "--oversubscribe", CAIRN_PROGRAM, "train", path("job.yaml")},
      {{"OMPI_ALLOW_RUN_AS_ROOT", "1"},
       {"OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1"},
       {"ASAN_OPTIONS", "detect_leaks=0"}});
  EXPECT_EQ(ran.exit_code, launcher::kUsage) << ran.err;
  const size_t first = ran.err.find("mpirun -np 4");
  ASSERT_NE(first, std::string::npos) << ran.err;
  EXPECT_EQ(ran.err.find("mpirun -np 4", first + 1), std::string::npos) << ran.err;
}

}  // namespace

}  // namespace cairn
