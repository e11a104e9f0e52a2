// Shows how a run goes on, on worker 0: on a terminal one line with a bar that is drawn over,
// otherwise a line a report, as log files want. Thread safety: none.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/model_config.h"
#include "worker/evaluation/evaluation_report.h"
#include "worker/training/report.h"

namespace cairn::training {

class Progress {
 public:
  struct Options {
    std::FILE* out = stdout;  // not owned
    bool bar = false;         // `out` is a terminal; see `is_terminal`
    uint32_t epochs = 1;
    std::vector<TaskConfig> tasks = {};
  };

  explicit Progress(Options options);
  ~Progress();  // leaves the bar's last state on a line of its own
  Progress(const Progress&) = delete;

  void show(const TrainReport& report);
  void show(const evaluation::EvaluationReport& report);

  // A line of text that the bar does not draw over.
  void say(std::string_view line);

 private:
  void draw();
  void clear();
  double seconds_left(const TrainReport& report) const;

  const Options options_;
  double done_at_first_ =
      -1.0;  // below 0: no report yet; then when the first one came, for the ETA
  double seconds_at_first_ = 0.0;
  std::string bar_;  // as last drawn
  bool drawn_ = false;
};

// `out` is a terminal that can draw over a line. Under mpirun it never is: whoever starts mpirun on
// a terminal says so by CAIRN_TERMINAL=1.
bool is_terminal(std::FILE* out);

}  // namespace cairn::training
