#include "tests/worker/math/models/variations.h"

namespace cairn::math {
namespace {

// Vectors of one dim, as products of fields want them.
void one_dim(ModelShape& shape, uint32_t dim) { shape.table_dims = {dim, dim}; }

void cross(ModelConfig& c, CrossType type) {
  c.cross_type = type;
  c.cross_rank = 2;
  c.cross_experts = 3;
}

void no_head(ModelConfig& c) {
  c.expert_units.clear();
  c.tower_units.clear();
}

constexpr Variation kStructures[] = {
    {"ParallelMmoe", [](ModelConfig& c, ModelShape&) { c.head = Head::kMmoe; }},
    {"StackedMmoe",
     [](ModelConfig& c, ModelShape&) {
       c.head = Head::kMmoe;
       c.structure = Structure::kStacked;
     }},
    {"ParallelSharedBottom", [](ModelConfig&, ModelShape&) {}},
    {"StackedSharedBottom", [](ModelConfig& c, ModelShape&) { c.structure = Structure::kStacked; }},
    {"DeepExperts",
     [](ModelConfig& c, ModelShape&) {
       c.head = Head::kMmoe;
       c.expert_units = {6, 5, 3};
     }},
    {"OneExpertOneTask",
     [](ModelConfig& c, ModelShape&) {
       c.head = Head::kMmoe;
       c.experts = 1;
       c.tasks.resize(1);
     }},
    {"OneCrossLayer", [](ModelConfig& c, ModelShape&) { c.cross_layers = 1; }},
    {"NoCrossLayers", [](ModelConfig& c, ModelShape&) { c.cross_layers = 0; }},
    {"NoCrossLayersStacked",
     [](ModelConfig& c, ModelShape&) {
       c.cross_layers = 0;
       c.structure = Structure::kStacked;
     }},
    {"NoDeepTower", [](ModelConfig& c, ModelShape&) { c.deep_units.clear(); }},
    {"NoDeepTowerStacked",
     [](ModelConfig& c, ModelShape&) {
       c.deep_units.clear();
       c.structure = Structure::kStacked;
     }},
    {"NothingButLogits",
     [](ModelConfig& c, ModelShape&) {
       c.cross_layers = 0;
       c.deep_units.clear();
       no_head(c);
     }},
    {"NoNumbers", [](ModelConfig&, ModelShape& s) { s.dense_columns = 0; }},
    {"NumbersOnly",
     [](ModelConfig&, ModelShape& s) {
       s.bags.clear();
       s.table_dims.clear();
     }},
    {"WithoutActivation", [](ModelConfig& c, ModelShape&) { c.activation = Activation::kNone; }},
};

constexpr Variation kInteractions[] = {
    {"Mlp", [](ModelConfig& c, ModelShape&) { c.interaction = Interaction::kNone; }},
    {"VectorCross", [](ModelConfig& c, ModelShape&) { cross(c, CrossType::kVector); }},
    {"VectorCrossStacked",
     [](ModelConfig& c, ModelShape&) {
       cross(c, CrossType::kVector);
       c.structure = Structure::kStacked;
     }},
    {"LowRankCross", [](ModelConfig& c, ModelShape&) { cross(c, CrossType::kLowRank); }},
    {"MixtureCross", [](ModelConfig& c, ModelShape&) { cross(c, CrossType::kMixture); }},
    {"MixtureCrossStacked",
     [](ModelConfig& c, ModelShape&) {
       cross(c, CrossType::kMixture);
       c.structure = Structure::kStacked;
     }},
    {"DeepFm",
     [](ModelConfig& c, ModelShape& s) {
       c.interaction = Interaction::kFm;
       c.wide = true;
       one_dim(s, 5);
     }},
    {"FmWithoutNumbers",
     [](ModelConfig& c, ModelShape& s) {
       c.interaction = Interaction::kFm;
       s.dense_columns = 0;
       one_dim(s, 3);
     }},
    {"FactorizationMachine",
     [](ModelConfig& c, ModelShape& s) {
       c.interaction = Interaction::kFm;
       c.wide = true;
       c.deep_units.clear();
       one_dim(s, 5);
     }},
    {"NeuralFm",
     [](ModelConfig& c, ModelShape& s) {
       c.interaction = Interaction::kFm;
       c.structure = Structure::kStacked;
       one_dim(s, 4);
     }},
    {"Dlrm",
     [](ModelConfig& c, ModelShape& s) {
       c.interaction = Interaction::kDot;
       c.structure = Structure::kStacked;
       c.bottom_units = {5};
       one_dim(s, 4);
     }},
    {"DotBesideTheTower",
     [](ModelConfig& c, ModelShape& s) {
       c.interaction = Interaction::kDot;
       c.bottom_units = {5};
       one_dim(s, 3);
     }},
    {"DotWithoutNumbers",
     [](ModelConfig& c, ModelShape& s) {
       c.interaction = Interaction::kDot;
       s.dense_columns = 0;
       one_dim(s, 4);
     }},
    {"WideAndDeep",
     [](ModelConfig& c, ModelShape& s) {
       c.interaction = Interaction::kNone;
       c.wide = true;
       s.table_dims[1] = 2;  // a float per task, and no vector
     }},
    {"WideAlone",
     [](ModelConfig& c, ModelShape&) {
       c.interaction = Interaction::kNone;
       c.wide = true;
       c.deep_units.clear();
     }},
    {"WideNumbersOnly",
     [](ModelConfig& c, ModelShape& s) {
       c.wide = true;
       s.bags.clear();
       s.table_dims.clear();
     }},
};

// Ids of the first table over a feature of the second, in front of it and behind all others.
void attention(ModelConfig& c, ModelShape& s) {
  one_dim(s, 5);
  s.bags = {{0, Pooling::kAttention, 1},
            {1, Pooling::kMean},
            {0, Pooling::kSum},
            {1, Pooling::kAttention, 2}};
  c.attention_units = {6, 3};
}

constexpr Variation kSequences[] = {
    {"MaxPooling",
     [](ModelConfig&, ModelShape& s) { s.bags[0].pooling = s.bags[2].pooling = Pooling::kMax; }},
    {"Attention", attention},
    {"AttentionWithSoftmax",
     [](ModelConfig& c, ModelShape& s) {
       attention(c, s);
       c.attention_softmax = true;
       c.activation = Activation::kPrelu;
     }},
    {"AttentionWithoutNumbers",
     [](ModelConfig& c, ModelShape& s) {
       attention(c, s);
       c.attention_units.clear();
       s.dense_columns = 0;
     }},
    {"AttentionUnderDeepFm",
     [](ModelConfig& c, ModelShape& s) {
       attention(c, s);
       c.interaction = Interaction::kFm;
       c.wide = true;
     }},
    {"AttentionUnderBatchNorm",
     [](ModelConfig& c, ModelShape& s) {
       attention(c, s);
       c.normalization = Normalization::kBatch;
     }},
};

void ple(ModelConfig& c, uint32_t levels) {
  c.head = Head::kPle;
  c.levels = levels;
  c.experts = 2;
  c.task_experts = 3;
}

// Click, conversion after a click (of weight 0: only its product is trained), and both.
void esmm(ModelConfig& c) {
  c.tasks.resize(3);
  c.tasks[1] = {};
  c.tasks[1].name = "conversion";
  c.tasks[1].weight = 0.0f;
  c.tasks[2].name = "both";
  c.tasks[2].product = {"click", "conversion"};
  c.tasks[2].weight = 0.7f;
}

constexpr Variation kHeads[] = {
    {"PleOfOneLevel", [](ModelConfig& c, ModelShape&) { ple(c, 1); }},
    {"PleOfThreeLevels",
     [](ModelConfig& c, ModelShape&) {
       ple(c, 3);
       c.expert_units = {5, 4};
     }},
    {"PleOfThreeTasks",
     [](ModelConfig& c, ModelShape&) {
       ple(c, 2);
       c.tasks.resize(3);
       c.tasks[2].name = "buy";
     }},
    {"Esmm", [](ModelConfig& c, ModelShape&) { esmm(c); }},
    {"EsmmOverPle",
     [](ModelConfig& c, ModelShape&) {
       esmm(c);
       ple(c, 2);
     }},
    {"EsmmWide",
     [](ModelConfig& c, ModelShape& s) {
       esmm(c);
       c.wide = true;
       c.interaction = Interaction::kFm;
       one_dim(s, 5);
     }},
    {"ProductOfThree",
     [](ModelConfig& c, ModelShape&) {
       esmm(c);
       c.tasks.resize(4);
       c.tasks[3].name = "third";
       c.tasks[2].product = {"third", "click", "conversion"};
     }},
};

template <Activation kActivation>
void activation(ModelConfig& c, ModelShape&) {
  c.activation = kActivation;
  c.head = Head::kMmoe;
}

constexpr Variation kTowers[] = {
    {"Gelu", activation<Activation::kGelu>},
    {"Silu", activation<Activation::kSilu>},
    {"Prelu", activation<Activation::kPrelu>},
    {"Sigmoid", activation<Activation::kSigmoid>},
    {"Tanh", activation<Activation::kTanh>},
    {"LayerNorm", [](ModelConfig& c, ModelShape&) { c.normalization = Normalization::kLayer; }},
    {"BatchNorm", [](ModelConfig& c, ModelShape&) { c.normalization = Normalization::kBatch; }},
    {"BatchNormOfPreluUnderPle",
     [](ModelConfig& c, ModelShape&) {
       c.normalization = Normalization::kBatch;
       c.activation = Activation::kPrelu;
       ple(c, 2);
     }},
    {"Dropout", [](ModelConfig& c, ModelShape&) { c.dropout = 0.4f; }},
    {"EverythingInATower",
     [](ModelConfig& c, ModelShape&) {
       c.normalization = Normalization::kBatch;
       c.activation = Activation::kSilu;
       c.dropout = 0.25f;
       c.structure = Structure::kStacked;
     }},
    {"L2", [](ModelConfig& c, ModelShape&) { c.l2 = 0.3f; }},
};

constexpr Variation kLosses[] = {
    {"Focal",
     [](ModelConfig& c, ModelShape&) {
       c.tasks[0].loss = Loss::kFocal;
       c.tasks[0].focal_alpha = 0.3f;
       c.tasks[0].focal_gamma = 1.5f;
     }},
    {"Huber",
     [](ModelConfig& c, ModelShape&) {
       c.tasks[1].loss = Loss::kHuber;
       c.tasks[1].huber_delta = 0.6f;
     }},
    {"Pairwise", [](ModelConfig& c, ModelShape&) { c.tasks[0].loss = Loss::kPairwise; }},
    {"Uncertainty",
     [](ModelConfig& c, ModelShape&) { c.task_weights = TaskWeights::kUncertainty; }},
    {"UncertaintyOfEsmm",
     [](ModelConfig& c, ModelShape&) {
       esmm(c);
       c.task_weights = TaskWeights::kUncertainty;
     }},
};

}  // namespace

std::vector<Variation> model_variations() {
  std::vector<Variation> all;
  for (const Variation& variation : kStructures) all.push_back(variation);
  for (const Variation& variation : kInteractions) all.push_back(variation);
  for (const Variation& variation : kSequences) all.push_back(variation);
  for (const Variation& variation : kHeads) all.push_back(variation);
  for (const Variation& variation : kTowers) all.push_back(variation);
  for (const Variation& variation : kLosses) all.push_back(variation);
  return all;
}

}  // namespace cairn::math
