// A small job in a folder of its own: generated rows of users and items, two tasks, seconds to
// train.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/common/temporary_folder.h"
#include "tests/integration/launch_program.h"

namespace cairn {

class SmallJob {
 public:
  // Writes `rows` training and a fifth as many evaluation rows, drawn from `seed`, and the job
  // file.
  explicit SmallJob(uint64_t seed, size_t rows = 3000);

  const std::filesystem::path& folder() const { return folder_.path(); }
  std::filesystem::path file() const { return folder() / "job.yaml"; }
  std::filesystem::path train_data() const { return folder() / "train.csv"; }

  // `cairn train` into folder()/<run>, with `--set` of each of `overrides`. The processes listen on
  // ports that the system chooses.
  std::vector<std::string> train_arguments(const std::string& run,
                                           const std::vector<std::string>& overrides = {},
                                           const std::vector<std::string>& flags = {}) const;
  Ran train(const std::string& run, const std::vector<std::string>& overrides = {},
            const std::vector<std::string>& flags = {}) const;

  // The newest checkpoint of a run; empty where there is none.
  std::filesystem::path checkpoint(const std::string& run) const;

  // The findings of each evaluation of a run, a line each, without times.
  std::string evaluations(const std::string& run) const;

 private:
  TemporaryFolder folder_;
};

// The lines of `cairn inspect --digest` for the tables, and the dense parameters' bytes.
struct Bits {
  std::string digest, dense;
  friend bool operator==(const Bits&, const Bits&) = default;
};
Bits bits_of(const std::filesystem::path& checkpoint);

std::string read_file(const std::filesystem::path& path);

}  // namespace cairn
