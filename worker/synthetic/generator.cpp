#include "worker/synthetic/generator.h"

#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "common/random.h"
#include "worker/synthetic/planted_model.h"

namespace cairn::synthetic {
namespace {

constexpr uint64_t kDrawnStream = 0x726f7773;          // "rows": the number decides what is drawn
constexpr uint64_t kCalibrationStream = 0x73616d706c;  // samples that only calibrate
constexpr size_t kCalibrationSamples = 20'000;

// Deviations of the three orders; together they make a best AUC of about 0.8.
constexpr std::array<double, kOrders> kDeviations = {1.0, 0.85, 0.55};
constexpr double kClickRate = 0.25;
constexpr double kConversionRate = 0.3;  // given click
constexpr double kCorrelation = 0.5;     // of the two logits

// A file that takes its name when it is complete. Plain text unless the name ends in .gz.
class OutputFile {
 public:
  static Result<std::unique_ptr<OutputFile>> create(const std::string& path) {
    std::error_code failed;
    const std::filesystem::path folder = std::filesystem::path(path).parent_path();
    if (!folder.empty()) std::filesystem::create_directories(folder, failed);
    std::unique_ptr<OutputFile> file(new OutputFile(path));
    // T: "transparent", without compression. Level 3: twice as fast as 6 for a tenth more bytes.
    file->out_ = ::gzopen(file->temporary_.c_str(), path.ends_with(".gz") ? "wb3" : "wbT");
    if (file->out_ == nullptr) return file->failure("cannot create");
    ::gzbuffer(file->out_, 1 << 18);
    return file;
  }
  ~OutputFile() {
    if (out_ != nullptr) ::gzclose(out_);
    ::unlink(temporary_.c_str());
  }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  Status write(const std::string& text) {
    if (text.empty() || ::gzwrite(out_, text.data(), static_cast<unsigned>(text.size())) > 0)
      return Ok{};
    return failure("cannot write");
  }
  Status commit() {
    if (::gzclose(std::exchange(out_, nullptr)) != Z_OK) return failure("cannot write");
    if (::rename(temporary_.c_str(), path_.c_str()) != 0)
      return failure("cannot rename into place");
    return Ok{};
  }

 private:
  explicit OutputFile(const std::string& path)
      : path_(path), temporary_(fmt::format("{}.tmp.{}", path, ::getpid())) {}
  Error failure(std::string_view what) const {
    return {ErrorCode::kUnavailable, fmt::format("{}: {}: {}", path_, what, std::strerror(errno))};
  }

  std::string path_, temporary_;
  gzFile out_ = nullptr;
};

// The columns with their truth. Thread safety: const.
class Generator {
 public:
  explicit Generator(const GeneratorOptions& options)
      : options_(options),
        log_(make_click_log(options.layout, options.cardinality, options.zipf_exponent)),
        click_(options.seed, 0, log_->click_terms()),
        conversion_(options.seed, 1, log_->conversion_terms()) {
    calibrate();
  }

  struct Sample {
    std::vector<Factor> factors;
    std::string text;
    double click_probability, conversion_probability;  // the latter not given click: of both
    bool click, conversion;
  };

  void draw(uint64_t index, Sample& sample) const {
    RandomStream random(options_.seed, kDrawnStream, index);
    sample.factors.clear();
    sample.text.clear();
    log_->draw(random, sample.factors, sample.text);
    const double click_logit = click_.logit(sample.factors);
    sample.click_probability = sigmoid(click_bias_ + click_logit);
    const double given_click =
        sigmoid(conversion_bias_ + conversion_logit(sample.factors, click_logit));
    sample.conversion_probability = sample.click_probability * given_click;
    sample.click = random.next_double() < sample.click_probability;
    sample.conversion = random.next_double() < given_click && sample.click;
  }

  const ClickLog& log() const { return *log_; }

 private:
  void calibrate() {
    std::vector<std::vector<Factor>> sample(kCalibrationSamples);
    std::string text;
    for (size_t i = 0; i < sample.size(); ++i) {
      RandomStream random(options_.seed, kCalibrationStream, i);
      text.clear();
      log_->draw(random, sample[i], text);
    }
    click_.calibrate(sample, kDeviations);
    conversion_.calibrate(sample, kDeviations);
    std::vector<double> logits, weights(sample.size(), 1.0);
    for (const auto& factors : sample) logits.push_back(click_.logit(factors));
    click_bias_ = bias_for_rate(logits, weights, kClickRate);
    for (size_t i = 0; i < sample.size(); ++i) {
      weights[i] = sigmoid(click_bias_ + logits[i]);
      logits[i] = conversion_logit(sample[i], logits[i]);
    }
    conversion_bias_ = bias_for_rate(logits, weights, kConversionRate);
  }

  double conversion_logit(const std::vector<Factor>& factors, double click_logit) const {
    return kCorrelation * click_logit +
           std::sqrt(1.0 - kCorrelation * kCorrelation) * conversion_.logit(factors);
  }

  GeneratorOptions options_;
  std::unique_ptr<ClickLog> log_;
  PlantedModel click_, conversion_;
  double click_bias_ = 0.0, conversion_bias_ = 0.0;
};

// Measures the quality of the true probabilities on the samples as they are written.
struct Truth {
  std::vector<double> click, conversion;
  std::vector<float> clicked, converted;
};

Status write_samples(const Generator& generator, const std::string& path, uint64_t first,
                     uint64_t samples, Truth* truth) {
  Result<std::unique_ptr<OutputFile>> file = OutputFile::create(path);
  if (!file.ok()) return file.error();
  Status written = file.value()->write(generator.log().header());
  Generator::Sample sample;
  for (uint64_t i = 0; i < samples && written.ok(); ++i) {
    generator.draw(first + i, sample);
    written =
        file.value()->write(generator.log().line(sample.text, sample.click, sample.conversion));
    if (truth == nullptr) continue;
    truth->click.push_back(sample.click_probability);
    truth->conversion.push_back(sample.conversion_probability);
    truth->clicked.push_back(sample.click ? 1.0f : 0.0f);
    truth->converted.push_back(sample.conversion ? 1.0f : 0.0f);
  }
  if (!written.ok()) return written.error();
  return file.value()->commit();
}

Status check_options(const GeneratorOptions& options) {
  const auto invalid = [](std::string why) {
    return Error{ErrorCode::kInvalidArgument, std::move(why)};
  };
  if (options.train_path.empty() || options.eval_path.empty())
    return invalid("gen-data: names of a training and an evaluation file are wanted");
  if (options.train_path == options.eval_path)
    return invalid("gen-data: training and evaluation file are the same: " + options.eval_path);
  if (options.cardinality < 10 || options.cardinality > kCardinalityMax)
    return invalid(fmt::format("gen-data: cardinality {} is not in 10..{}", options.cardinality,
                               kCardinalityMax));
  if (!(options.zipf_exponent > 0.0 && options.zipf_exponent <= 10.0))
    return invalid(
        fmt::format("gen-data: Zipf exponent {} is not in (0, 10]", options.zipf_exponent));
  if (options.train_samples == 0 || options.eval_samples == 0 ||
      options.train_samples > UINT32_MAX - options.eval_samples)
    return invalid("gen-data: samples must be at least 1 each and below 2^32 together");
  return Ok{};
}

}  // namespace

std::string best_json(const std::vector<BestScores>& tasks) {
  nlohmann::ordered_json json;
  json["tasks"] = nlohmann::ordered_json::array();
  for (const BestScores& task : tasks)
    json["tasks"].push_back({{"name", task.name},
                             {"auc", task.auc},
                             {"logloss", task.logloss},
                             {"expected_auc", task.expected_auc},
                             {"expected_logloss", task.expected_logloss},
                             {"rate", task.rate}});
  return json.dump(2) + "\n";
}

Result<GeneratorReport> generate(const GeneratorOptions& options) {
  const Status valid = check_options(options);
  if (!valid.ok()) return valid.error();
  const Generator generator(options);
  Status written = write_samples(generator, options.train_path, 0, options.train_samples, nullptr);
  if (!written.ok()) return written.error();
  Truth truth;
  written = write_samples(generator, options.eval_path, options.train_samples, options.eval_samples,
                          &truth);
  if (!written.ok()) return written.error();

  GeneratorReport report;
  report.tasks.push_back(best_scores("click", truth.click, truth.clicked));
  if (options.layout == LogLayout::kNamed)
    report.tasks.push_back(best_scores("conversion", truth.conversion, truth.converted));
  report.best_path =
      (std::filesystem::path(options.eval_path).parent_path() / "best.json").string();
  Result<std::unique_ptr<OutputFile>> best = OutputFile::create(report.best_path);
  if (!best.ok()) return best.error();
  written = best.value()->write(best_json(report.tasks));
  if (written.ok()) written = best.value()->commit();
  if (!written.ok()) return written.error();
  return report;
}

}  // namespace cairn::synthetic
