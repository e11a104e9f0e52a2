"""docs/quality.md, of what was measured."""
import textwrap

HEAD = """# Quality

<!-- Written by `{command}`: change bench/quality/ instead. -->

```
CAIRN_DATA=/path/to/data {command}
```

{text}
"""
TRAINED = ("trains every job below with `cairn train --local JOB --set train.seed=N`, N = {seeds}, and the settings listed "
           "under its table; `mpirun` gives the same bits. Figures are means over the seeds, with the least and the "
           "greatest behind them, on the evaluation file after the last step. No run was trained on that file, and none "
           "was left out.")
PYTORCH = (" Lines of PyTorch are the same jobs trained by [bench/quality/pytorch.py](../bench/quality/pytorch.py): the "
           "same files, features, models, distributions of initial values, optimizers and numbers of epochs, written "
           "without Cairn.")


def paragraph(text):
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def mean(values):
    return sum(values) / len(values)


def spread(values, form):
    return f"{form(mean(values))} ({form(min(values))} to {form(max(values))})"


def four(value):
    return f"{value:.4f}"


def percent(value):
    return f"{100 * value:.2f}%"


def shares(figure, results, best):
    """Of the best possible AUC's distance from 0.5."""
    return [(figure.of(result) - 0.5) / (figure.of(best) - 0.5) for result in results]


def table(section, best, cases):
    titles = ["dense parameters"]
    for figure in section.figures:
        titles += [figure.title, "of the best"] if best else [figure.title]
    lines = ["| model | by | " + " | ".join(titles) + " |", "| --- " * (len(titles) + 2) + "|"]
    for case, ours, theirs in cases:
        for who, results in (("Cairn", ours), ("PyTorch", theirs)):
            if not results:
                continue
            cells = [f"{results[0]['parameters']:,}"]
            for figure in section.figures:
                cells.append(spread([figure.of(result) for result in results], four))
                if best:
                    cells.append(percent(mean(shares(figure, results, best))))
            by = who if who == "Cairn" else f"PyTorch {results[0]['torch']}"
            lines.append(f"| {case.title if who == 'Cairn' else ''} | {by} | " + " | ".join(cells) + " |")
    if best:
        lines.append("| no model is better than | | | " + " | ".join(f"{f.of(best):.4f} | " for f in section.figures) + " |")
    return lines


def settings(section):
    changed = [case for case in section.cases if case.sets]
    return [f"- {case.title}: " + " ".join(f"`--set '{value}'`" for value in case.sets) for case in changed]


def validated(goal, best, cases):
    """What the goal's figure is, and whether that is enough."""
    values = {case.title: mean(shares(goal.figure, ours, best) if best else [goal.figure.of(r) for r in ours])
              for case, ours, _ in cases if goal.case in (None, case.title)}
    title = (min if goal.below else max)(values, key=values.get)
    value = values[title]
    return title, value, value <= goal.reach if goal.below else value >= goal.reach


def goals(section, best, cases):
    """Lines of a table, and a line for each goal that is not reached."""
    form = percent if best else four
    lines, short = ["| goal, of the mean | reached | |", "| --- | --- | --- |"], []
    for goal in section.goals:
        title, value, enough = validated(goal, best, cases)
        what = f"{goal.figure.title}{' of the best' if best else ''} {'<=' if goal.below else '>='} {form(goal.reach)}"
        lines.append(f"| {title}: {what} | {form(value)} | {'yes' if enough else 'no'} |")
        if not enough:
            short.append(f"- {section.title}: {title} has {form(value)}, the goal is {what}.")
    return (lines if section.goals else []), short


def write_report(measured, seeds, with_pytorch):
    command = "./dev quality" + (" --pytorch python3" if with_pytorch else "")
    text = TRAINED.format(seeds=", ".join(map(str, seeds))) + (PYTORCH if with_pytorch else "")
    lines = [HEAD.format(command=command, text=paragraph(text))]
    missed = []
    for section, best, cases in measured:
        reached, short = goals(section, best, cases)
        missed += short
        made = f" Data: `cairn gen-data {' '.join(section.data)}`." if section.data else ""
        lines += [f"## {section.title}", "", paragraph(f"`{section.job}`. {section.text}{made}"), ""]
        lines += table(section, best, cases) + [""]
        for part in (reached, settings(section)):
            lines += part + [""] if part else []
    lines += ["## What falls short", ""]
    lines += missed or ["Every goal above is reached by the mean over seeds."]
    return "\n".join(lines) + "\n"
