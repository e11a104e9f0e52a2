"""What docs/quality.md compares: jobs, what is different in them, and what they must reach."""
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    task: str
    name: str  # auc, logloss or rmse
    title: str

    def of(self, result):
        return next(task for task in result["tasks"] if task["name"] == self.task)[self.name]


@dataclass(frozen=True)
class Case:
    title: str
    sets: tuple = ()  # KEY=VALUE for `cairn train --set`


@dataclass(frozen=True)
class Goal:
    """What the mean over seeds must reach, or with `below` not exceed; `case` None: that of the best case. In a section
    `of_best` it is the share of the best possible AUC's distance from 0.5."""
    figure: Figure
    reach: float
    case: str | None = None
    below: bool = False


@dataclass(frozen=True)
class Section:
    title: str
    job: str
    text: str
    figures: tuple
    cases: tuple
    goals: tuple = ()
    data: tuple | None = None  # arguments of `cairn gen-data`, where the job's data is generated
    of_best: bool = False      # the generator knows what no model can beat: figures are shown as shares of it too


# ---- census

INCOME, INCOME_LOSS = Figure("income", "auc", "income AUC"), Figure("income", "logloss", "logloss")
MARRIED, MARRIED_LOSS = Figure("never_married", "auc", "never married AUC"), Figure("never_married", "logloss", "logloss")

CENSUS = Section(
    "Census: two tasks, three heads", "configs/census.yaml",
    "DCN-V2 with 2 full-rank cross layers and a deep tower of 256-128; only `model.head` differs. The goals are what the same "
    "families reached in PyTorch at a constant rate of 1e-3, less 0.001; that of PLE's income is higher.",
    (INCOME, INCOME_LOSS, MARRIED, MARRIED_LOSS),
    (Case("shared bottom", ("model.head={type: shared_bottom, units: [64]}",)),
     Case("MMoE, 6 experts"),
     Case("PLE, 2 shared experts, 2 of each task", ("model.head={type: ple, experts: 2, task_experts: 2, units: [64]}",))),
    (Goal(INCOME, 0.9462, "shared bottom"), Goal(MARRIED, 0.9936, "shared bottom"),
     Goal(INCOME, 0.9457, "MMoE, 6 experts"), Goal(MARRIED, 0.9936, "MMoE, 6 experts"),
     Goal(INCOME, 0.947, "PLE, 2 shared experts, 2 of each task"),
     Goal(MARRIED, 0.9936, "PLE, 2 shared experts, 2 of each task")))

# ---- MovieLens

LIKE, LIKE_LOSS = Figure("like", "auc", "like AUC"), Figure("like", "logloss", "logloss")
RATING = Figure("rating", "rmse", "rating RMSE")


def movielens(interaction):
    return ("model={" + interaction + ", deep: {units: [128, 64]}, head: {type: shared_bottom, units: [64]}, tasks: "
            '[{name: like, label: "rating >= 4"}, {name: rating, label: rating, loss: mse, weight: 0.5}]}',)


MOVIELENS = Section(
    "MovieLens: seven interactions", "configs/movielens.yaml",
    "Two tasks of one rating: is it 4 or more, and what is it. Rates, epochs and dim were chosen for DCN-V2 by three of "
    "five folds of the training file, and hold for all; the evaluation file had no part in it.",
    (LIKE, LIKE_LOSS, RATING),
    (Case("DCN", movielens("cross: {type: vector, layers: 2}")),
     Case("DCN-V2"),
     Case("DCN-V2, low-rank", movielens("cross: {type: low_rank, layers: 2, low_rank: 32}")),
     Case("DCN-V2, mixture", movielens("cross: {type: mixture, layers: 2, low_rank: 16, experts: 4}")),
     Case("DeepFM", movielens("interaction: fm, wide: true") + ("ps.dim=34",)),
     Case("DLRM", movielens("interaction: dot, structure: stacked, bottom: {units: [64]}")),
     Case("MLP", movielens("interaction: none"))),
    (Goal(LIKE, 0.797), Goal(RATING, 0.870, below=True)))

# ---- the click log

CLICK, CONVERSION = Figure("click", "auc", "click AUC"), Figure("conversion", "auc", "conversion AUC")

CLICKS = Section(
    "A click log whose best is known: crosses found, not listed", "configs/click_log.yaml",
    "The generator plants crosses of two and of three columns; no feature of this job names one. The MLP has no cross "
    "layers and a tower as much wider; all else, steps too, is the same. Rates were chosen for DCN-V2, on half as many samples. "
    "The goal is 99% of the best possible AUC's distance from 0.5 on both tasks, where an MLP does not reach it.",
    (CLICK, CONVERSION),
    (Case("DCN-V2"),
     Case("MLP of as many parameters", ("model.cross.layers=0", "model.deep.units=[349, 128]"))),
    (Goal(CLICK, 0.99, "DCN-V2"), Goal(CONVERSION, 0.99, "DCN-V2"),
     Goal(CLICK, 0.99, "MLP of as many parameters", below=True),
     Goal(CONVERSION, 0.99, "MLP of as many parameters", below=True)),
    data=("--samples", "4000000", "--eval-samples", "200000"), of_best=True)

# ---- context

ITEMS = '{names: [user, item, category], transform: hash}, {name: tags, transform: hash, separator: "|", pooling: mean}'
PERSON = ("{name: age, transform: bucketize, boundaries: [25, 35, 45, 55]}, "
          "{name: price, transform: [log1p, standardize]}")
RATED = ('{names: [user, movie], transform: hash}, {name: genres, transform: hash, separator: "|", pooling: mean}, '
         '{name: year, transform: standardize}')

CLICK_CONTEXT = Section(
    "Context features: the click log", "configs/quickstart.yaml",
    "When, where and on what a row was seen: hour and day, country, device, and the crosses with these. Without them the "
    "job knows user, item and its category, tags and price, and age.",
    (CLICK, CONVERSION),
    (Case("with context"), Case("without", (f"features=[{ITEMS}, {PERSON}]",))),
    (), data=("--samples", "400000"), of_best=True)

MOVIELENS_CONTEXT = Section(
    "Context features: MovieLens", "configs/movielens.yaml",
    "When a film was rated: day of the week and time. Without them the job knows user, film, its genres and its year.",
    (LIKE, LIKE_LOSS, RATING),
    (Case("with context"), Case("without", (f"features=[{RATED}]",))))

SECTIONS = (CENSUS, MOVIELENS, CLICKS, CLICK_CONTEXT, MOVIELENS_CONTEXT)
