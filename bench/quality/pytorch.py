#!/usr/bin/env python3
"""Trains a job with PyTorch: the same files, features, model, losses, optimizers, batch size and epochs.

    OMP_NUM_THREADS=1 python3 bench/quality/pytorch.py OUTPUT/resolved.yaml --seeds 1,2,3

The job is the resolved.yaml that a run of `cairn train` leaves. Prints a JSON object for each seed, with
`tasks` as in result.json. Rows have the optimizers of the servers: moments move only when a row is touched.
It knows what the jobs of cases.py use; most of what else a job may have is an assertion that fails.
"""
import argparse
import json
import math
import re
import time

import numpy as np
import torch
import torch.nn.functional as F
import yaml

from pytorch_data import Dataset
from pytorch_model import Net


class Loader(yaml.SafeLoader):
    """PyYAML takes 1e-08 for text."""


Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"[-+]?[0-9.]+e[-+]?[0-9]+$"), "-+0123456789")


def rate(config, step):
    schedule = config["schedule"]
    warmup, kind = schedule["warmup_steps"], schedule["type"]
    assert kind in ("constant", "cosine"), kind
    if step < warmup:
        return config["learning_rate"] * step / warmup
    if kind == "constant":
        return config["learning_rate"]
    way, factor = min((step - warmup) / schedule["decay_steps"], 1), schedule["factor"]
    return config["learning_rate"] * (factor + (1 - factor) * (1 + math.cos(math.pi * way)) / 2)


class Table:
    """One table for all features, [keys, dim], and the optimizer of its rows."""

    def __init__(self, tables, keys):
        config = next(iter(tables.values()))
        assert all(table == config for table in tables.values()), "tables differ"
        initializer, self.optimizer = config["initializer"], config["optimizer"]
        assert initializer["type"] == "normal" and self.optimizer["type"] in ("adam", "adagrad")
        assert self.optimizer["clip_norm"] == 0
        self.dim = config["dim"]
        self.weight = (torch.randn(keys, self.dim) * initializer["scale"]).requires_grad_()
        self.m, self.v, self.n = torch.zeros(keys, self.dim), torch.zeros(keys, self.dim), torch.zeros(keys, 1)

    @torch.no_grad()
    def step(self, step):
        gradient, self.weight.grad = self.weight.grad.coalesce(), None
        rows, g, o = gradient.indices()[0], gradient.values(), self.optimizer
        w, a = self.weight[rows], rate(o, step)
        g = g + o["weight_decay"] * w
        if o["type"] == "adagrad":
            self.v[rows] = v = self.v[rows] + g * g + (self.n[rows] == 0) * o["initial_accumulator"]
            self.n[rows] = 1
            self.weight[rows] = w - a * g / (v.sqrt() + o["epsilon"])
            return
        self.n[rows] = n = self.n[rows] + 1
        self.m[rows] = m = torch.lerp(g, self.m[rows], o["beta1"])
        self.v[rows] = v = torch.lerp(g * g, self.v[rows], o["beta2"])
        m, v = m / (1 - o["beta1"] ** n), v / (1 - o["beta2"] ** n)
        self.weight[rows] = w - a * m / (v.sqrt() + o["epsilon"])


class Job:
    def __init__(self, job, data):
        self.tasks, self.train, self.data = job["model"]["tasks"], job["train"], data
        assert all(task["loss"] in ("bce", "mse") for task in self.tasks) and job["model"]["l2"] == 0
        self.table = Table(job["ps"]["tables"], data.keys)
        self.weights = len(self.tasks) if job["model"]["wide"] else 0
        self.pooling = [feature.pooling for feature in data.multiple]
        fields = len(data.single) + len(data.multiple)
        self.net = Net(job["model"], fields, self.table.dim - self.weights, len(data.numbers))
        dense = self.train["optimizer"]
        assert dense["type"] == "adam" and dense["clip_norm"] == 0
        self.adam = torch.optim.Adam(self.net.parameters(), betas=(dense["beta1"], dense["beta2"]),
                                     eps=dense["epsilon"], foreach=True)

    def forward(self, rows):
        parts = [F.embedding(rows.single, self.table.weight, sparse=True)]
        for (ids, offsets), pooling in zip(rows.bags, self.pooling):
            parts.append(F.embedding_bag(ids, self.table.weight, offsets, mode=pooling, sparse=True).unsqueeze(1))
        pooled = torch.cat(parts, 1)
        wide = pooled[:, :, :self.weights].sum(1) if self.weights else None
        return self.net(torch.cat((pooled[:, :, self.weights:].flatten(1), rows.numbers), 1), wide)

    def loss(self, logits, labels):
        each = {"bce": F.binary_cross_entropy_with_logits, "mse": F.mse_loss}
        return sum(task["weight"] * each[task["loss"]](logits[:, t], labels[:, t]) for t, task in enumerate(self.tasks))

    def fit(self):
        rows, size, step = self.data.train, self.train["batch_size"], 0
        for _ in range(self.train["epochs"]):
            order = torch.randperm(len(rows))
            for first in range(0, len(rows), size):
                step += 1
                batch = rows.batch(order[first:first + size])
                self.adam.zero_grad(set_to_none=True)
                self.loss(self.forward(batch), batch.labels).backward()
                self.adam.param_groups[0]["lr"] = rate(self.train["optimizer"], step)
                self.adam.step()
                self.table.step(step)

    @torch.no_grad()
    def evaluate(self):
        self.net.eval()
        rows = self.data.eval
        logits = torch.cat([self.forward(rows.batch(part)) for part in torch.arange(len(rows)).split(4096)])
        self.net.train()
        results = []
        for t, task in enumerate(self.tasks):
            z, y = logits[:, t].double(), rows.labels[:, t].double()
            figures = ({"auc": auc(z.numpy(), y.numpy()), "logloss": F.binary_cross_entropy_with_logits(z, y).item()}
                       if task["loss"] == "bce" else {"rmse": F.mse_loss(z, y).sqrt().item()})
            results.append({"name": task["name"], **figures})
        return results


def auc(scores, labels):
    """The share of pairs in the right order; a tie is half."""
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    positives = labels.sum()
    return (ranks[labels == 1].sum() - positives * (positives + 1) / 2) / (positives * (len(labels) - positives))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("job")
    parser.add_argument("--seeds", default="1")
    options = parser.parse_args()
    with open(options.job) as file:
        config = yaml.load(file, Loader)
    data = Dataset(config)
    for seed in options.seeds.split(","):
        torch.manual_seed(int(seed))
        job, start = Job(config, data), time.perf_counter()
        job.fit()
        print(json.dumps({"seed": int(seed), "seconds": time.perf_counter() - start, "torch": torch.__version__,
                          "parameters": sum(p.numel() for p in job.net.parameters()), "tasks": job.evaluate()}),
              flush=True)


if __name__ == "__main__":
    main()
