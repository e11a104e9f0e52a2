// A small valid job, and a job's problems as lines, for tests of the job file.
#pragma once

#include <string>
#include <vector>

#include "common/check.h"
#include "common/config/job_file.h"

namespace cairn {

// Tests count the lines of this text: a change here moves their positions.
inline const std::string kJob =
    "output: runs/x\n"                          // 1
    "data:\n"                                   // 2
    "  train: [a.csv, b.csv.gz]\n"              // 3
    "  eval: c.csv\n"                           // 4
    "features:\n"                               // 5
    "  - name: age\n"                           // 6
    "    transform: [log1p, standardize]\n"     // 7
    "  - names: [user, item]\n"                 // 8
    "    transform: hash\n"                     // 9
    "    dim: 8\n"                              // 10
    "model:\n"                                  // 11
    "  tasks:\n"                                // 12
    "    - {name: like, label: rating >= 4}\n"  // 13
    "    - name: stars\n"                       // 14
    "      label: rating\n"                     // 15
    "      loss: mse\n"                         // 16
    "train:\n"                                  // 17
    "  workers: 2\n"                            // 18
    "  batch_size: 512\n";                      // 19

// `kJob` with its one occurrence of `from` replaced.
inline std::string job_with(const std::string& from, const std::string& to) {
  std::string text = kJob;
  const size_t at = text.find(from);
  check(at != std::string::npos && text.find(from, at + 1) == std::string::npos,
        "the text to replace must occur once: " + from);
  return text.replace(at, from.size(), to);
}

inline std::vector<std::string> problems(const std::string& text,
                                         const std::vector<std::string>& overrides = {}) {
  std::vector<std::string> lines;
  for (const Diagnostic& diagnostic : parse_job(text, "job.yaml", overrides).diagnostics)
    lines.push_back(diagnostic.text());
  return lines;
}

}  // namespace cairn
