#!/usr/bin/env python3
"""Computes a training step of whole models with PyTorch, in float64: heads, what is made of several layers, and what
the model itself adds to a loss.

    python3 tests/worker/math/models/make_model_fixtures.py > tests/worker/math/models/fixtures/models.txt

model_fixtures_test.cpp reads the result; PyTorch is needed only to write it anew. A case is a line `case NAME`, then
lines `NAME ROWS COLS VALUE...`: numbers, labels, table where there are ids (a feature that is summed and one that is
averaged, below), the parameters in0, in1, ... in the model's order; predictions, losses; the gradients dtable, d0, ...
"""
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(13)
B, D, E, U, K = 5, 6, 3, 4, 3  # batch, numbers, experts, units, floats of a vector
OFFSETS = [[0, 2, 2, 3, 5], [0, 1, 2, 4, 5]]  # of both features' bags
INDEX = [[2, 0, 1, 3, 3, 0], [1, 2, 0, 2, 3]]


def write(name, tensor):
    m = tensor.detach().reshape(-1, tensor.shape[-1])
    print(name, m.shape[0], m.shape[1], *("%.12g" % v for v in m.flatten().tolist()))


def draw(*shape):
    return (torch.randn(*shape) * 0.7).float().double().requires_grad_()


def bce(logits, labels, parameters):
    losses = torch.stack([F.binary_cross_entropy_with_logits(z, labels[:, t]) for t, z in enumerate(logits)])
    return torch.sigmoid(torch.stack(logits, 1)), losses, losses.sum()


def case(name, parameters, forward, objective=bce, numbers=D, table=None, tasks=2):
    """forward(numbers, table, parameters): the logits [B] of every task that has some."""
    print("case", name)
    x = draw(B, numbers).detach()
    logits = forward(x, table, parameters)
    labels = torch.randint(0, 2, (B, tasks)).double()
    predictions, losses, total = objective(logits, labels, parameters)
    total.backward()
    for what, tensor in ("numbers", x), ("labels", labels), ("predictions", predictions), ("losses", losses):
        write(what, tensor)
    if table is not None:
        write("table", table)
        write("dtable", table.grad)
    for i, parameter in enumerate(parameters):
        write(f"in{i}", parameter)
        write(f"d{i}", parameter.grad)


def pooled(table):
    return [F.embedding_bag(torch.tensor(INDEX[f]), table, torch.tensor(OFFSETS[f]), mode=mode)
            for f, mode in enumerate(("sum", "mean"))]


def layer(x, weight, bias):
    return F.relu(F.linear(x, weight, bias))


def towers(inputs, parameters):
    """A linear unit per task, whose weights and biases are these."""
    return [F.linear(x, *parameters[2 * t:2 * t + 2]).squeeze(1) for t, x in enumerate(inputs)]


def tower_parameters(units):
    return [draw(1, units), draw(1), draw(1, units), draw(1)]


# ---- heads over the numbers

def shared_bottom(x, table, p):
    bottom = layer(x, *p[:2])
    return towers([bottom, bottom], p[2:])


def experts(x, weight, bias):
    """[B, experts, units]"""
    return F.relu(torch.einsum("bi,eui->beu", x, weight) + bias)


def mixed(x, seen, weight, bias):
    return torch.einsum("be,beu->bu", torch.softmax(F.linear(x, weight, bias), 1), seen)


def mmoe(x, table, p):
    seen = experts(x, *p[:2])
    return towers([mixed(x, seen, p[2][t], p[3][t]) for t in range(2)], p[4:])


def ple_parameters(width, last):
    """A level of a task expert each and two shared ones; gates of the tasks, then the shared one."""
    own = [[draw(1, U, width), draw(1, U), draw(3, width), draw(3)] for _ in range(2)]
    shared = [draw(2, U, width), draw(2, U)] + ([] if last else [draw(4, width), draw(4)])
    return own[0] + own[1] + shared


def ple(x, table, p):
    inputs = [x, x, x]  # of the first task, the second, the shared experts
    for last in False, True:
        seen = [experts(inputs[g], *p[4 * g:4 * g + 2]) for g in range(3)]
        tasks = [mixed(inputs[t], torch.cat([seen[t], seen[2]], 1), *p[4 * t + 2:4 * t + 4]) for t in range(2)]
        if last:
            return towers(tasks, p[10:])
        inputs = tasks + [mixed(inputs[2], torch.cat(seen, 1), *p[10:12])]
        p = p[12:]


case("shared_bottom", [draw(U, D), draw(U)] + tower_parameters(U), shared_bottom)
case("mmoe", [draw(E, U, D), draw(E, U), draw(2, E, D), draw(2, E)] + tower_parameters(U), mmoe)
case("ple", ple_parameters(D, False) + ple_parameters(U, True) + tower_parameters(U), ple)


# ---- what makes one loss of several, over linear towers

def linear(x, table, p):
    return towers([x, x], p)


def esmm(logits, labels, parameters):
    """Click, conversion that only the product trains, and the product, of weight 0.7."""
    p = torch.sigmoid(torch.stack(logits, 1))
    p = torch.cat([p, p[:, :1] * p[:, 1:]], 1)
    losses = F.binary_cross_entropy(p, labels, reduction="none").mean(0)
    return p, losses, losses[0] + 0.7 * losses[2]


def uncertainty(logits, labels, parameters):
    """A binary task and one of squared errors."""
    losses = torch.stack([F.binary_cross_entropy_with_logits(logits[0], labels[:, 0]),
                          F.mse_loss(logits[1], labels[:, 1])])
    s = parameters[-1]
    total = (losses * torch.exp(-s) * torch.tensor([1, 0.5]) + s / 2).sum()
    return torch.stack([torch.sigmoid(logits[0]), logits[1]], 1), losses, total


def l2(logits, labels, parameters):
    predictions, losses, total = bce(logits, labels, parameters)
    return predictions, losses, total + 0.3 / 2 * sum((w ** 2).sum() for w in parameters if w.dim() > 1)


case("esmm", tower_parameters(D), linear, esmm, tasks=3)
case("uncertainty", tower_parameters(D) + [draw(2)], linear, uncertainty)
case("l2", tower_parameters(D), linear, l2)


# ---- models of ids and two numbers

def wide(x, table, p):
    """Rows are weights, one per task."""
    z = sum(pooled(table)) + F.linear(x, p[0]) + p[1]
    return [z[:, 0], z[:, 1]]


def pairs(vectors):
    return [vectors[f] * vectors[g] for f in range(len(vectors)) for g in range(f)]


def deepfm(x, table, p):
    """Of a row the first two floats are weights."""
    weights, vectors = pooled(table[:, :2]), pooled(table[:, 2:])
    fields = vectors + [x[:, i:i + 1] * p[1][i] for i in range(2)]
    second = sum(pairs(fields)).sum(1)
    first = sum(weights) + F.linear(x, p[0])
    deep = layer(torch.cat(vectors + [x], 1), *p[2:4])
    return [z + first[:, t] + second for t, z in enumerate(towers([deep, deep], p[4:]))]


def dlrm(x, table, p):
    vectors = pooled(table)
    bottom = layer(layer(x, *p[:2]), *p[2:4])
    products = [y.sum(1, keepdim=True) for y in pairs([bottom] + vectors)]
    deep = layer(torch.cat([bottom] + products, 1), *p[4:6])
    return towers([deep, deep], p[6:])


case("wide", [draw(2, 2), draw(2)], wide, numbers=2, table=draw(4, 2))
case("deepfm", [draw(2, 2), draw(2, K), draw(U, 2 * K + 2), draw(U)] + tower_parameters(U), deepfm, numbers=2,
     table=draw(4, 2 + K))
case("dlrm", [draw(U, 2), draw(U), draw(K, U), draw(K), draw(U, K + 3), draw(U)] + tower_parameters(U), dlrm,
     numbers=2, table=draw(4, K))
