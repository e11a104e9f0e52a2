#!/usr/bin/env python3
"""Runs the benchmarks of two builds in turn and compares their figures.

    tools/beside.py BUILD OTHER GROUP [--rounds N] [--itself] [--only PROGRAM] [-- OPTION...]

Prints the ratio of medians, BUILD to OTHER, with quartiles over the rounds. Exits with 1 where a rate is below
0.97 and, with --itself, below what OTHER shows beside itself. docs/benchmarks.md has more.
`./dev bench GROUP --beside OTHER` calls it; tools/beside_test.py is its test.
"""
import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROUNDS_MIN = 9
RATIO_MIN = 0.97
RATES = {"/s", "B/s"}  # how units of rates end; durations count by their inverse
DURATIONS = {"s", "ms"}

# What keeps a round short, per program.
SHORT = {
    "jobs_bench": [],
    "reading_bench": ["--benchmark_filter=plain"],
    "row_cache_bench": ["--rounds", "1"],
    "speculative_bench": ["--rounds", "1"],
    "step_bench": ["--rounds", "1"],
    "shard_bench": ["--only", "memory", "--rows", "1000000"],
    "shard_log_bench": ["--benchmark_repetitions=1"],
    "recovery_bench": ["--only", "recoveries", "--rows", "1000000"],
}
FORMER = {"speculative_bench": "early_bench"}  # names in older builds

NUMBER = r"([\d.]+(?:e[+-]?\d+)?)"
# Lines of builds that print no `figure` lines: a pattern, the name (from its groups), factor and unit.
# A pattern without a name is a prefix of the indented lines behind it.
OLD_LINES = [
    (rf"(?P<name>[\w ,:-]+): {NUMBER} M/s, bare", "{name}", 1e6, "rows/s"),
    (rf"filling the hot tier: {NUMBER} M rows/s", "filling the hot tier", 1e6, "rows/s"),
    (rf"\s+(?P<name>no cache|cache of \d+%)\s+samples/s {NUMBER}", "{name}", 1, "samples/s"),
    (r"(?P<prefix>\d+ workers, \d+ ms of compute):", None, 1, ""),
    (rf"\s+early: +samples/s {NUMBER}", "speculative", 1, "samples/s"),
    (rf"\s+(?P<name>speculative|plain): +samples/s {NUMBER}", "{name}", 1, "samples/s"),
    (rf"(?P<name>\w+): {NUMBER} s in all, ", "{name} in all", 1, "s"),
    (rf"(?P<name>\w+): [\d.]+ s in all, {NUMBER} samples/s", "{name} in training", 1, "samples/s"),
    (rf"(?P<name>\w+): {NUMBER} \([^)]*\) samples/s; products", "{name}", 1, "samples/s"),
    (rf"\s*(?P<name>\d+ logged rows, +\d+ unique keys): +{NUMBER} s,", "{name}", 1, "s"),
    (rf"gate criteo_rows_per_second {NUMBER} ", "read_criteo plain", 1, "samples/s"),
    (rf"(?P<name>[a-z][\w ,]*?)\s+{NUMBER} MB/s  \(", "{name}", 1, "MB/s"),
    (rf"\s*\d+ s (?P<name>[\w ]+): {NUMBER} M rows/s, longest", "{name}", 1e6, "rows/s"),
    (rf"\s*\d+ s (?P<name>[\w ]+): [\d.]+ M rows/s, longest wait {NUMBER} s", "{name} longest wait", 1, "s"),
    (rf"(?P<name>[\w ,]+): \d+ answers, median [\d.]+ ms, .*p99.9 {NUMBER},", "{name} p99.9", 1, "ms"),
]


def slug(name):
    return re.sub(r"[^a-z0-9.%]+", "_", name.lower()).strip("_")


def figures(output):
    """{name: (value, unit)} of what a program printed; `figure` lines come before text."""
    stated, found, prefix = {}, {}, ""
    for line in output.splitlines():
        match = re.match(rf"figure (\S+) {NUMBER} (\S+)$", line)
        if match:
            stated[match[1]] = (float(match[2]), match[3])
        if not line.startswith(" "):
            prefix = ""
        for pattern, name, factor, unit in OLD_LINES:
            match = re.match(pattern, line)
            if not match:
                continue
            groups = match.groupdict()
            if name is None:
                prefix = groups["prefix"] + " "
                continue
            number = next(g for g in reversed(match.groups()) if g)
            full = slug(prefix + name.format(**groups))
            found.setdefault(full, (float(number) * factor, unit))
    return found | stated


def decides(name, unit):
    """Whether a figure may fail the comparison."""
    tail = re.search(r"longest|p99|wait", name)
    return not tail and (unit in DURATIONS or any(unit.endswith(end) for end in RATES))


def as_rate(value, unit):
    return 1 / value if unit in DURATIONS else value


def quartiles(values):
    return tuple(statistics.quantiles(values, n=4, method="inclusive")[i] for i in (0, 2))


def ratio(ours, theirs):
    """(ratio of medians, lower quartile, upper quartile) of figures taken in turn."""
    low, high = quartiles([a / b for a, b in zip(ours, theirs)])
    return statistics.median(ours) / statistics.median(theirs), low, high


def judge(name, unit, ours, theirs, again=None):
    """(line to print, whether it fails)."""
    ours, theirs, again = ([as_rate(v, unit) for v in values] for values in (ours, theirs, again or []))
    middle, low, high = ratio(ours, theirs)
    line = f"{name}: {middle:.3f} ({low:.3f} to {high:.3f})"
    floor = RATIO_MIN
    if again:
        its = ratio(again, theirs)
        line += f", itself {its[0]:.3f} ({its[1]:.3f} to {its[2]:.3f})"
        floor = min(floor, its[1])
    if not decides(name, unit):
        return line + ", compared only", False
    return line + (f", below {floor:.3f}" if middle < floor else ""), middle < floor


def run(build, program, options):
    path = build / "bench" / program
    if not path.exists() and program in FORMER:
        path = build / "bench" / FORMER[program]
    if not path.exists():
        return {}
    # Others may run the same program: its files lie in a folder of their own.
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"TMPDIR": folder}
        done = subprocess.run(
            [path.resolve(), *options], capture_output=True, text=True, check=False, env=environment
        )
    if done.returncode != 0:
        sys.exit(f"beside: {path} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return figures(done.stdout)


def compare(program, builds, options, rounds):
    """{name: (unit, values of each build)} of figures that every run printed."""
    taken = [[] for _ in builds]
    for i in range(rounds):
        order = list(range(len(builds)))
        for which in order if i % 2 == 0 else reversed(order):
            taken[which].append(run(builds[which], program, options))
        print(f"beside: {program}, round {i + 1} of {rounds}", file=sys.stderr)
    names = set.intersection(*(set(one) for runs in taken for one in runs))
    first = taken[0][0]
    return {n: (first[n][1], [[one[n][0] for one in runs] for runs in taken]) for n in first if n in names}


def main(arguments):
    own, given = arguments, None
    if "--" in arguments:
        own, given = arguments[: arguments.index("--")], arguments[arguments.index("--") + 1 :]
    parser = argparse.ArgumentParser(prog="./dev bench GROUP --beside")
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("other", type=pathlib.Path)
    parser.add_argument("group")
    parser.add_argument("--rounds", type=int, default=ROUNDS_MIN)
    parser.add_argument("--itself", action="store_true")
    parser.add_argument("--only", help="of the programs of the group")
    args = parser.parse_args(own)
    if args.rounds < ROUNDS_MIN:
        parser.error(f"fewer than {ROUNDS_MIN} rounds show nothing")
    programs = sorted(p.name for p in (args.build / "bench").glob(args.group + "*_bench"))
    programs = [p for p in programs if p in SHORT and args.only in (None, p)]
    failed, seen = [], 0
    for program in programs:
        builds = [args.build, args.other] + ([args.other] if args.itself else [])
        options = SHORT[program] if given is None else given
        for name, (unit, values) in compare(program, builds, options, args.rounds).items():
            line, fails = judge(name, unit, *values)
            print(f"{program} {line}", flush=True)
            seen += 1
            failed += [name] if fails else []
    if seen == 0:
        sys.exit(f"beside: no figure of group '{args.group}' in both builds")
    if failed:
        print(f"slower: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
