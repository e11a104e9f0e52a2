#include <fmt/core.h>

#include <map>
#include <memory>

#include "common/config/scalars.h"
#include "launcher/commands/commands.h"
#include "launcher/exit_code.h"
#include "worker/synthetic/generator.h"

namespace cairn::launcher {

namespace {

const std::map<std::string, synthetic::LogLayout> kLayouts = {
    {"csv", synthetic::LogLayout::kNamed}, {"criteo", synthetic::LogLayout::kCriteo}};

// Counts as a job file has them: 1e6, 1_000.
std::string read_count(std::string& text) {
  const auto parsed = parse_integer(text);
  if (const Problem* problem = std::get_if<Problem>(&parsed)) return problem->what;
  const Integer& count = std::get<Integer>(parsed);
  if (count.negative) return text + " is below 0";
  text = std::to_string(count.magnitude);
  return "";
}

struct GenDataOptions {
  std::string format = "csv", output;
  synthetic::GeneratorOptions generator;
};

int gen_data(GenDataOptions options) {
  synthetic::GeneratorOptions& generator = options.generator;
  generator.layout = kLayouts.at(options.format);
  const std::string ending = generator.layout == synthetic::LogLayout::kCriteo ? ".tsv" : ".csv";
  generator.train_path = options.output + "/train" + ending;
  generator.eval_path = options.output + "/eval" + ending;
  const auto report = synthetic::generate(generator);
  if (!report.ok()) return print_error(report.error());
  fmt::print("{}: {} samples\n{}: {} samples\n{}:\n", generator.train_path, generator.train_samples,
             generator.eval_path, generator.eval_samples, report.value().best_path);
  for (const synthetic::BestScores& task : report.value().tasks)
    fmt::print("  {}: the best AUC is {:.4f}, the best logloss {:.4f}\n", task.name, task.auc,
               task.logloss);
  return kDone;
}

}  // namespace

void add_gen_data(Program& program) {
  const auto options = std::make_shared<GenDataOptions>();
  synthetic::GeneratorOptions& generator = options->generator;
  CLI::App* command = program.app.add_subcommand(
      "gen-data", "Write a click log whose best possible scores are known.");
  command->option_defaults()->always_capture_default();
  command
      ->add_option("--format", options->format,
                   "csv: named columns, clicks and conversions; criteo: the Criteo layout, clicks")
      ->check(CLI::IsMember(kLayouts));
  command->add_option("--samples,--rows", generator.train_samples, "Training samples")
      ->transform(CLI::Validator(read_count, ""));
  command->add_option("--eval-samples,--eval-rows", generator.eval_samples, "Evaluation samples")
      ->transform(CLI::Validator(read_count, ""));
  command
      ->add_option("--cardinality", generator.cardinality, "Different ids of the largest columns")
      ->check(CLI::Range(uint64_t{10}, synthetic::kCardinalityMax))
      ->transform(CLI::Validator(read_count, ""));
  command->add_option("--zipf", generator.zipf_exponent, "Exponent of the ids' Zipf distribution");
  command->add_option("--seed", generator.seed, "The same options give the same bytes");
  command
      ->add_option("--output", options->output,
                   "Folder to write train and eval files and best.json into")
      ->type_name("DIR")
      ->required();
  command->callback([&program, options] { program.exit_code = gen_data(*options); });
}

}  // namespace cairn::launcher
