// Every layer, loss and optimizer that docs/models.md lists has its tests: a model with it whose
// gradients are held against difference quotients (variations.h), and a case that PyTorch computed.
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>

#include "tests/worker/math/models/fixtures.h"
#include "tests/worker/math/models/variations.h"

namespace cairn::math {
namespace {

struct Layer {
  const char* name;       // the first column of docs/models.md
  const char* variation;  // "" for an optimizer: dense_optimizer_test.cpp has it
  const char* fixture;
};
constexpr Layer kLayers[] = {
    {"sum, mean", "ParallelSharedBottom", "sum_pool"},
    {"max", "MaxPooling", "max_pool"},
    {"attention", "Attention", "attention"},
    {"cross, vector", "VectorCross", "vector_cross"},
    {"cross, full", "ParallelSharedBottom", "cross"},
    {"cross, low_rank", "LowRankCross", "low_rank_cross"},
    {"cross, mixture", "MixtureCross", "mixture_cross"},
    {"fm", "DeepFm", "deepfm"},
    {"dot", "Dlrm", "dlrm"},
    {"relu", "ParallelSharedBottom", "linear_relu"},
    {"gelu", "Gelu", "gelu"},
    {"silu", "Silu", "silu"},
    {"prelu", "Prelu", "prelu"},
    {"sigmoid, tanh", "Sigmoid", "sigmoid"},
    {"normalization: layer", "LayerNorm", "layer_norm"},
    {"normalization: batch", "BatchNorm", "batch_norm"},
    {"dropout", "Dropout", "dropout"},
    {"l2", "L2", "l2"},
    {"shared_bottom", "ParallelSharedBottom", "shared_bottom"},
    {"mmoe", "ParallelMmoe", "mmoe"},
    {"ple", "PleOfThreeLevels", "ple"},
    {"bce", "ParallelSharedBottom", "bce"},
    {"focal", "Focal", "focal"},
    {"pairwise", "Pairwise", "pairwise"},
    {"mse", "ParallelSharedBottom", "mse"},
    {"huber", "Huber", "huber"},
    {"sgd", "", "sgd"},
    {"momentum", "", "momentum"},
    {"nesterov", "", "nesterov"},
    {"adagrad", "", "adagrad"},
    {"adam", "", "adam"},
    {"adamw", "", "adamw"},
    {"lamb", "", "lamb"},
};

// The first cells that are names in backticks, without these.
std::set<std::string> listed_layers() {
  std::ifstream file(CAIRN_SOURCE_DIR "/docs/models.md");
  std::set<std::string> names;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| `")) continue;
    std::string cell = line.substr(2, line.find(" | ") - 2);
    std::erase(cell, '`');
    names.insert(cell);
  }
  return names;
}

TEST(Layers, EachThatTheDocumentationListsHasItsTests) {
  std::set<std::string> tested;
  for (const Layer& layer : kLayers) tested.insert(layer.name);
  EXPECT_EQ(listed_layers(), tested);
}

TEST(Layers, TheTestsNamedExist) {
  std::set<std::string> variations = {""}, fixtures;
  for (const Variation& variation : model_variations()) variations.insert(variation.name);
  for (const char* file : {"pytorch.txt", "models.txt"})
    for (const auto& [name, arrays] : read_fixtures(file)) fixtures.insert(name);
  for (const Layer& layer : kLayers) {
    EXPECT_TRUE(variations.contains(layer.variation)) << layer.name;
    EXPECT_TRUE(fixtures.contains(layer.fixture)) << layer.name;
  }
}

}  // namespace
}  // namespace cairn::math
