#include "worker/training/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <utility>

#include "worker/training/text.h"

namespace cairn::training {
namespace {

constexpr size_t kBarColumns = 20;
constexpr size_t kColumnsUnknown = 100;

size_t terminal_columns(std::FILE* out) {
  winsize size{};
  if (::ioctl(::fileno(out), TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kColumnsUnknown;
  return size.ws_col;
}

std::string bar_text(double done) {
  const size_t full = static_cast<size_t>(std::clamp(done, 0.0, 1.0) * kBarColumns);
  return fmt::format("[{:#<{}}{:.<{}}]", "", full, "", kBarColumns - full);
}

uint64_t rounded(double number) {
  return number > 0.0 && number < 1e18 ? static_cast<uint64_t>(std::llround(number)) : 0;
}

void append(std::string& line, const char* name, const std::optional<double>& value) {
  if (value) line += fmt::format(" {} {:.4f}", name, *value);
}

}  // namespace

Progress::Progress(Options options) : options_(std::move(options)) {}

Progress::~Progress() {
  if (drawn_) std::fputc('\n', options_.out);
}

void Progress::show(const TrainReport& report) {
  if (done_at_first_ < 0.0) {
    done_at_first_ = report.done;
    seconds_at_first_ = report.seconds;
  }
  std::string line = fmt::format("{:3.0f}% step {} epoch {}/{} {} samples/s", 100.0 * report.done,
                                 with_commas(report.step), report.epoch, options_.epochs,
                                 with_commas(rounded(report.samples_per_second)));
  line += " loss";
  for (size_t task = 0; task < report.losses.size() && task < options_.tasks.size(); ++task)
    line += fmt::format(" {} {:.4f}", options_.tasks[task].name, report.losses[task]);
  line += fmt::format(" ETA {}", duration_text(seconds_left(report)));
  if (report.bad_samples > 0)
    line += fmt::format(" bad samples {}", with_commas(report.bad_samples));
  if (!options_.bar) return say(line);
  bar_ = bar_text(report.done) + line;
  draw();
}

// A resumed run starts with much done in no time, so only what was done since the first report
// tells the pace; before there is a second one, what was done at all.
double Progress::seconds_left(const TrainReport& report) const {
  double done = report.done - done_at_first_, seconds = report.seconds - seconds_at_first_;
  if (done <= 0.0) {
    done = report.done;
    seconds = report.seconds;
  }
  if (done <= 0.0) return std::numeric_limits<double>::infinity();
  return std::max(0.0, 1.0 - report.done) * seconds / done;
}

void Progress::show(const evaluation::EvaluationReport& report) {
  std::string line =
      fmt::format("evaluation at step {} in {:.1f} s:", with_commas(report.step), report.seconds);
  for (size_t task = 0; task < report.qualities.size() && task < options_.tasks.size(); ++task) {
    const evaluation::TaskQuality& quality = report.qualities[task];
    line += task == 0 ? " " : ", ";
    line += options_.tasks[task].name;
    append(line, "auc", quality.auc);
    append(line, "logloss", quality.logloss);
    append(line, "rmse", quality.rmse);
    append(line, "calibration", quality.calibration);
  }
  say(line);
}

void Progress::say(std::string_view line) {
  clear();
  std::fwrite(line.data(), 1, line.size(), options_.out);
  std::fputc('\n', options_.out);
  if (!bar_.empty()) draw();
  std::fflush(options_.out);
}

void Progress::draw() {
  clear();
  // One column stays free: a full line would wrap, and \r would not come back to its start.
  const size_t columns = terminal_columns(options_.out);
  std::fwrite(bar_.data(), 1, std::min(bar_.size(), columns - 1), options_.out);
  std::fflush(options_.out);
  drawn_ = true;
}

void Progress::clear() {
  if (drawn_) std::fputs("\r\033[K", options_.out);
  drawn_ = false;
}

bool is_terminal(std::FILE* out) {
  const char* term = std::getenv("TERM");
  if (term == nullptr || std::string_view(term) == "dumb") return false;
  // Under mpirun stdout is a terminal of mpirun's own making, whatever the user has.
  if (const char* said = std::getenv("CAIRN_TERMINAL")) return std::string_view(said) == "1";
  return std::getenv("OMPI_COMM_WORLD_RANK") == nullptr && ::isatty(::fileno(out)) == 1;
}

}  // namespace cairn::training
