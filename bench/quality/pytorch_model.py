"""The models of docs/models.md in PyTorch: what `model` of a job file says, with the same initial values in law."""
import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def uniform(limit, *shape):
    return nn.Parameter(torch.empty(*shape).uniform_(-limit, limit))


def glorot(out, into, *groups):
    return uniform(math.sqrt(6 / (into + out)), *groups, out, into)


class Mlp(nn.Module):
    """Layers of `units`, each with ReLU, or none of it where `relu` is false."""

    def __init__(self, into, units, relu=True, dropout=0.0):
        super().__init__()
        self.layers, self.relu, self.dropout = nn.ModuleList(), relu, dropout
        for out in units:
            layer = nn.Linear(into, out)
            layer.weight = uniform(math.sqrt(6 / into), out, into) if relu else glorot(out, into)
            nn.init.zeros_(layer.bias)
            self.layers.append(layer)
            into = out
        self.out = into

    def forward(self, x):
        for layer in self.layers:
            x = F.relu(layer(x)) if self.relu else layer(x)
            x = F.dropout(x, self.dropout, self.training and self.dropout > 0)
        return x


class Cross(nn.Module):
    def __init__(self, config, dim):
        super().__init__()
        self.kind, self.out = config["type"], dim
        rank, experts = config.get("low_rank"), config.get("experts")
        self.layers = nn.ModuleList()
        for _ in range(config["layers"]):
            weights = {
                "vector": lambda: {"w": glorot(1, dim)},
                "full": lambda: {"w": glorot(dim, dim)},
                "low_rank": lambda: {"v": glorot(rank, dim), "u": glorot(dim, rank)},
                "mixture": lambda: {"v": glorot(rank, dim, experts), "c": glorot(rank, rank, experts),
                                    "u": uniform(math.sqrt(6 / (dim + rank)), experts, dim, rank),
                                    "gate": glorot(experts, dim)},
            }[self.kind]()
            self.layers.append(nn.ParameterDict({**weights, "b": nn.Parameter(torch.zeros(dim))}))

    def mixed(self, x, p):
        if self.kind == "low_rank":
            return x @ p["v"].T @ p["u"].T
        if self.kind == "full":
            return x @ p["w"].T
        thin = torch.tanh(torch.einsum("erd,bd->ber", p["v"], x))
        thin = torch.tanh(torch.einsum("eqr,ber->beq", p["c"], thin))
        gates = (x @ p["gate"].T).softmax(1)
        return torch.einsum("edr,ber->bd", p["u"], thin * gates.unsqueeze(2))

    def forward(self, x0):
        x = x0
        for p in self.layers:
            x = x0 * (x @ p["w"].T) + p["b"] + x if self.kind == "vector" else x0 * (self.mixed(x, p) + p["b"]) + x
        return x


class Fm(nn.Module):
    def __init__(self, fields, dim, numbers):
        super().__init__()
        self.fields, self.dim = fields, dim
        self.vectors = glorot(numbers, dim) if numbers else None

    def forward(self, x0):
        ids = x0[:, :self.fields * self.dim]
        v = ids.view(len(x0), self.fields, self.dim)
        if self.vectors is not None:
            v = torch.cat((v, x0[:, ids.shape[1]:].unsqueeze(2) * self.vectors), 1)
        return (v.sum(1) ** 2 - (v ** 2).sum(1)) / 2


class Dot(nn.Module):
    def __init__(self, fields, dim, numbers, units):
        super().__init__()
        self.fields, self.dim = fields, dim
        self.bottom = Mlp(numbers, units + [dim]) if numbers else None
        n = fields + (numbers > 0)
        self.pairs = torch.tril_indices(n, n, -1)
        self.out = (numbers > 0) * dim + self.pairs.shape[1]

    def forward(self, x0):
        ids = x0[:, :self.fields * self.dim]
        v = ids.view(len(x0), self.fields, self.dim)
        bottom = []
        if self.bottom is not None:
            bottom = [self.bottom(x0[:, ids.shape[1]:])]
            v = torch.cat((bottom[0].unsqueeze(1), v), 1)
        dots = torch.bmm(v, v.transpose(1, 2))[:, self.pairs[0], self.pairs[1]]
        return torch.cat((*bottom, dots), 1)


class Experts(nn.Module):
    """Of a level of mmoe or ple: [batch, experts, units]."""

    def __init__(self, into, units, count):
        super().__init__()
        self.each = nn.ModuleList(Mlp(into, units) for _ in range(count))

    def forward(self, x):
        return torch.stack([expert(x) for expert in self.each], 1)


class Head(nn.Module):
    """The input of each task's tower."""

    def __init__(self, config, tasks, into):
        super().__init__()
        self.kind, self.tasks, units = config["type"], tasks, config["units"]
        self.out = units[-1]
        shared = config.get("experts", 1) if self.kind != "shared_bottom" else 1
        own = config["task_experts"] if self.kind == "ple" else 0
        assert self.kind != "ple" or config["levels"] == 1, "this script has ple of one level"
        self.shared = Experts(into, units, shared)
        self.own = nn.ModuleList(Experts(into, units, own) for _ in range(tasks if own else 0))
        self.gates = nn.ModuleList(
            Mlp(into, [own + shared], relu=False) for _ in range(tasks if self.kind != "shared_bottom" else 0))

    def forward(self, x):
        shared = self.shared(x)
        if self.kind == "shared_bottom":
            return [shared[:, 0]] * self.tasks
        mixed = []
        for task, gate in enumerate(self.gates):
            experts = torch.cat((self.own[task](x), shared), 1) if len(self.own) else shared
            mixed.append((gate(x).softmax(1).unsqueeze(1) @ experts).squeeze(1))
        return mixed


class Net(nn.Module):
    """Dense part: x0 [batch, fields * dim + numbers] and the ids' linear part to one logit per task."""

    def __init__(self, model, fields, dim, numbers):
        super().__init__()
        assert model["deep"]["activation"] == "relu" and model["deep"]["normalization"] == "none"
        assert model["task_weights"] == "fixed" and model["deep"]["units"]
        width, tasks, dropout = fields * dim + numbers, len(model["tasks"]), model["deep"]["dropout"]
        self.numbers, self.stacked = numbers, model["structure"] == "stacked"
        kind = model["interaction"]
        if kind == "cross" and model["cross"]["layers"] == 0:
            kind = "none"
        self.interaction = {
            "none": lambda: None,
            "cross": lambda: Cross(model["cross"], width),
            "fm": lambda: Fm(fields, dim, numbers),
            "dot": lambda: Dot(fields, dim, numbers, model["bottom"]["units"]),
        }[kind]()
        self.second_order = kind == "fm" and not self.stacked
        crossed = 0 if kind == "none" or self.second_order else dim if kind == "fm" else self.interaction.out
        self.deep = Mlp(crossed if self.stacked and crossed else width, model["deep"]["units"], dropout=dropout)
        self.head = Head(model["head"], tasks, self.deep.out + (0 if self.stacked else crossed))
        self.towers, self.logits = nn.ModuleList(), nn.ModuleList()
        for _ in range(tasks):
            self.towers.append(Mlp(self.head.out, model["head"].get("tower_units") or [], dropout=dropout))
            self.logits.append(Mlp(self.towers[-1].out, [1], relu=False))
        self.wide = glorot(tasks, numbers) if model["wide"] and numbers else None

    def forward(self, x0, wide):
        crossed = self.interaction(x0) if self.interaction is not None else None
        if self.stacked:
            shared = self.deep(x0 if crossed is None else crossed)
        else:
            parts = [] if crossed is None or self.second_order else [crossed]
            shared = torch.cat((*parts, self.deep(x0)), 1)
        out = torch.cat([logit(tower(x)) for x, tower, logit in zip(self.head(shared), self.towers, self.logits)], 1)
        if wide is not None:
            out = out + wide
        if self.wide is not None:
            out = out + x0[:, -self.numbers:] @ self.wide.T
        return out + crossed.sum(1, keepdim=True) if self.second_order else out
