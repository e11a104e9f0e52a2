#!/usr/bin/env python3
"""Trains what docs/quality.md compares, three seeds each, and writes it.

    bench/quality/quality.py [--pytorch PYTHON] [--seeds 1,2,3] [--only SECTION] [--output docs/quality.md]

`./dev quality` builds first. CAIRN_DATA names the folder of census/ and movielens/ (docs/data.md); generated data is
made where it is missing. With an interpreter that has PyTorch, numpy and PyYAML the same jobs are trained by
bench/quality/pytorch.py as well, two at a time of one thread each.
"""
import argparse
import json
import os
import pathlib
import shutil
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from cases import SECTIONS
from report import write_report

ROOT = pathlib.Path(__file__).resolve().parents[2]
CAIRN = ROOT / "build/release/launcher/cairn"
RUNS = ROOT / "runs/quality"


def run(command, **options):
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"quality: {' '.join(str(part) for part in command)}\n{done.stderr[-2000:]}")
    return done.stdout


def generate(section):
    """Makes the section's data where it is missing. The folder, or None where data is not generated."""
    if section.data is None:
        return None
    folder = ROOT / "data" / pathlib.Path(section.job).stem
    if not (folder / "best.json").exists():
        run([CAIRN, "gen-data", "--output", folder, *section.data])
    return folder


def dense_parameters(folder):
    """Of the newest checkpoint: the elements of all but the optimizer's state."""
    newest = max((folder / "checkpoints").iterdir())
    with open(newest / "dense.safetensors", "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
    sizes = {name: tensor["data_offsets"] for name, tensor in header.items() if name != "__metadata__"}
    return sum(end - begin for name, (begin, end) in sizes.items() if not name.startswith("optimizer.")) // 4


def train(section, case, seed):
    """result.json of `cairn train --local`, with `parameters`; its resolved.yaml stays for PyTorch."""
    folder = RUNS / f"{SECTIONS.index(section)}-{section.cases.index(case)}-{seed}"
    sets = [*case.sets, f"train.seed={seed}", f"output={folder}", f"data.cache={RUNS}/cache", "metrics.enabled=false"]
    run([CAIRN, "train", "--local", section.job, *(part for each in sets for part in ("--set", each))])
    result = json.loads((folder / "result.json").read_text())
    result["parameters"] = dense_parameters(folder)
    shutil.rmtree(folder / "checkpoints")
    return result, folder / "resolved.yaml"


def train_pytorch(python, resolved, seeds):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    script = ROOT / "bench/quality/pytorch.py"
    lines = run([python, script, resolved, "--seeds", ",".join(map(str, seeds))], env=environment).splitlines()
    return [json.loads(line) for line in lines]


def measure(sections, seeds, python):
    """(section, best possible or None, [(case, results, PyTorch's results or None)]) of each section."""
    ours, resolved, best = {}, {}, {}
    for section in sections:
        folder = generate(section)
        best[section] = json.loads((folder / "best.json").read_text()) if section.of_best else None
        for case in section.cases:
            runs = [train(section, case, seed) for seed in seeds]
            ours[section, case], resolved[section, case] = [result for result, _ in runs], runs[0][1]
            print(section.title, "|", case.title, *(f.of(r) for f in section.figures for r in ours[section, case]),
                  flush=True)
    theirs = {}
    if python:
        with ThreadPoolExecutor(2) as pool:
            started = {key: pool.submit(train_pytorch, python, path, seeds) for key, path in resolved.items()}
            theirs = {key: future.result() for key, future in started.items()}
    for (section, case), results in theirs.items():
        sizes = ours[section, case][0]["parameters"], results[0]["parameters"]
        if sizes[0] != sizes[1]:
            sys.exit(f"quality: {section.title}, {case.title}: {sizes[0]} parameters, in PyTorch {sizes[1]}: not the same model")
    return [(s, best[s], [(c, ours[s, c], theirs.get((s, c))) for c in s.cases]) for s in sections]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pytorch", metavar="PYTHON")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--only", default="", help="sections whose titles begin so")
    parser.add_argument("--output", default=ROOT / "docs/quality.md")
    options = parser.parse_args()
    if not CAIRN.exists():
        sys.exit(f"quality: {CAIRN} is not built: ./dev build")
    if "CAIRN_DATA" not in os.environ:
        sys.exit("quality: CAIRN_DATA must name the folder of census/ and movielens/; see docs/data.md")
    sections = [section for section in SECTIONS if section.title.startswith(options.only)]
    shutil.rmtree(RUNS, ignore_errors=True)
    seeds = [int(seed) for seed in options.seeds.split(",")]
    text = write_report(measure(sections, seeds, options.pytorch), seeds, with_pytorch=bool(options.pytorch))
    pathlib.Path(options.output).write_text(text)


if __name__ == "__main__":
    main()
