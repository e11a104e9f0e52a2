// The start of `train`, `eval` and `predict`: everything that can be found wrong before a process
// is started or a file of another run touched.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "common/config/job.h"
#include "common/result.h"
#include "launcher/output_folder.h"
#include "worker/training/worker.h"

namespace cairn::launcher {

// The words of the command line.
struct JobRequest {
  training::WorkerMode mode = training::WorkerMode::kTrain;
  std::string job_file;
  std::vector<std::string> overrides;  // of --set
  bool local = false;
  bool resume = false;  // train
  std::string hostfile;
  std::string checkpoint;           // eval, predict; empty: the newest of the job
  std::vector<std::string> inputs;  // predict; empty: the job's evaluation data
  std::string predictions;          // predict: the file to write
  uint64_t incarnation = 0;         // minted by the `cairn` that started this mpirun; 0: none did
  std::vector<std::string> arguments;  // the command line as it was, without the program
};

// Travels from rank 0 to all ranks, so that only rank 0 reads the job file.
struct JobStart {
  JobConfig job;
  std::string resolved;  // the same as YAML
  uint64_t incarnation = 0;
  std::optional<std::filesystem::path> checkpoint;  // to start from
};

// Everything that a start holds: the lock of the output folder (train), and folders that end with
// the run: live stores of eval and predict, the sockets'. They are removed with it.
class RunFolders {
 public:
  RunFolders() = default;
  RunFolders(RunFolders&& other) noexcept;
  RunFolders& operator=(RunFolders&&) = delete;
  ~RunFolders();

  Status lock(const std::filesystem::path& output);
  void remove_at_end(std::filesystem::path folder);
  const std::vector<std::filesystem::path>& temporary() const { return temporary_; }

 private:
  std::optional<OutputLock> lock_;
  std::vector<std::filesystem::path> temporary_;
};

struct PreparedJob {
  JobStart start;
  RunFolders folders;
};

// Reads the job file. Errors: kInvalidArgument, with everything that is wrong, one per line.
Result<JobConfig> load(const std::string& job_file, const std::vector<std::string>& overrides);

// Checks the job, the data files and the checkpoint; for train locks the output folder, refuses one
// that another run has used unless `resume`, and writes <output>/resolved.yaml. Where the request
// has an incarnation, the `cairn` that minted it has done that part. Errors: any.
Result<PreparedJob> prepare(const JobRequest& request);

std::string to_line(const JobStart& start);

// Errors: kCorrupt.
Result<JobStart> parse_start(const std::string& line);

}  // namespace cairn::launcher
