#!/usr/bin/env python3
"""The same models and batches as bench/step/models.cpp in PyTorch, as fast as it goes.

    python3 bench/step/pytorch.py yardstick|census [--threads N] [--bf16]

Measures eagerly and, where PyTorch can, compiled, and prints the faster last: samples_per_second.
Layers over one input are one product, all ids of a batch one embedding bag, Adam is `foreach`.
"""
import argparse
import statistics
import time

import torch
import torch.nn as nn
import torch.nn.functional as F

CENSUS_ROWS = [9, 52, 47, 17, 3, 24, 15, 5, 10, 2, 3, 6, 8, 6, 6, 51, 36, 8, 10, 9, 10, 3, 4, 5, 43, 43, 43, 5, 3, 3,
               3, 2]
MODELS = {
    "yardstick": dict(rows=[1_000_000], fields=26, dim=16, numbers=13, cross=3, deep=[1024, 512, 256], experts=4,
                      units=256, tower=[64], batch=2048, adagrad=True),
    "census": dict(rows=CENSUS_ROWS, fields=32, dim=8, numbers=7, cross=2, deep=[256, 128], experts=6, units=64,
                   tower=[], batch=512, adagrad=False),
}
TASKS = 2


class Net(nn.Module):
    def __init__(self, m):
        super().__init__()
        self.m = m
        wide = m["fields"] * m["dim"] + m["numbers"]
        self.cross = nn.ModuleList(nn.Linear(wide, wide) for _ in range(m["cross"]))
        sizes = [wide] + m["deep"]
        self.deep = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        both = wide + sizes[-1]
        self.experts = nn.Linear(both, m["units"] * m["experts"])
        self.gates = nn.Linear(both, m["experts"] * TASKS)
        self.towers = nn.ModuleList()
        for _ in range(TASKS):
            sizes, layers = [m["units"]] + m["tower"], []
            for a, b in zip(sizes, sizes[1:]):
                layers += [nn.Linear(a, b), nn.ReLU()]
            self.towers.append(nn.Sequential(*layers, nn.Linear(sizes[-1], 1)))

    def forward(self, x):
        m, c, d = self.m, x, x
        for layer in self.cross:
            c = torch.addcmul(c, x, layer(c))
        for layer in self.deep:
            d = F.relu(layer(d))
        z = torch.cat((c, d), 1)
        e = F.relu(self.experts(z)).view(-1, m["experts"], m["units"])
        g = self.gates(z).view(-1, TASKS, m["experts"]).softmax(2)
        mixed = torch.bmm(g, e)
        return [tower(mixed[:, t]).squeeze(1) for t, tower in enumerate(self.towers)]


def draw(m):
    starts, ids = 0, []
    for f in range(m["fields"]):
        rows = m["rows"][f % len(m["rows"])]
        ids.append(torch.randint(0, rows, (m["batch"],)) + starts)
        if len(m["rows"]) > 1:
            starts += rows
    return (torch.stack(ids, 1).flatten(), torch.rand(m["batch"], m["numbers"]),
            torch.randint(0, 2, (TASKS, m["batch"])).float())


def rate(m, bf16, compiled, clock, seconds=6.0):
    torch.manual_seed(1)
    net, table = Net(m), nn.EmbeddingBag(sum(m["rows"]), m["dim"], sparse=True, mode="sum")
    adam = torch.optim.Adam(net.parameters(), 1e-3, foreach=True)
    rows = (torch.optim.Adagrad(table.parameters(), 0.01) if m["adagrad"]
            else torch.optim.SparseAdam(list(table.parameters()), 1e-3))
    bce, offsets = nn.BCEWithLogitsLoss(), torch.arange(m["batch"] * m["fields"])
    data = [draw(m) for _ in range(4)]
    forward = torch.compile(net) if compiled else net

    def step(i):
        ids, numbers, labels = data[i % 4]
        x = torch.cat((table(ids, offsets).view(m["batch"], -1), numbers), 1)
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            out = forward(x)
        loss = sum(bce(o.float(), t) for o, t in zip(out, labels))
        adam.zero_grad(set_to_none=True)
        rows.zero_grad(set_to_none=True)
        loss.backward()
        adam.step()
        rows.step()

    for i in range(5):
        step(i)
    times, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 8:
        start = clock()
        step(len(times))
        times.append(clock() - start)
    return m["batch"] / statistics.median(times)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    # As step_bench: of one thread the processor's time, which other programs do not take.
    clock = time.process_time if options.threads == 1 else time.perf_counter
    best = 0.0
    for compiled in (False, True):
        if compiled and not hasattr(torch, "compile"):
            continue
        try:
            measured = rate(MODELS[options.model], options.bf16, compiled, clock)
        except Exception as error:  # a compiler may be missing, or not take the model
            print(f"torch {torch.__version__} {'compiled' if compiled else 'eager'}: {type(error).__name__}")
            continue
        print(f"torch {torch.__version__} {'compiled' if compiled else 'eager'}: {measured:.0f} samples/s")
        best = max(best, measured)
    print(f"samples_per_second {best:.1f}")


if __name__ == "__main__":
    main()
