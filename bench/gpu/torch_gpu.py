#!/usr/bin/env python3
"""The cases of gpu_bench in PyTorch, as fast as it goes; a line of JSON for each measured.

    python3 bench/gpu/torch_gpu.py [--seconds N] [--device cpu] CASE...

A case is step_ROWS_PRECISION, cross_ROWS_PRECISION or embedding_ROWS; the precision is bf16, tf32
or f32. Each is measured compiled (torch.compile, and the whole of it replayed as one CUDA graph, so
that no launch of the host counts) and eagerly. What takes minutes to tune (max-autotune) is left
out. device_ms is without copies from and to the host, wall_ms with them, as gpu_bench has it. On a
CPU there is no graph: a check of this script, not a measurement.
"""
import argparse
import gc
import json
import statistics
import time

import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.utils.deterministic

# The model `yardstick` of bench/step/models.cpp.
KEYS, FIELDS, DIM, NUMBERS = 1_000_000, 26, 16, 13
CROSS, DEEP, EXPERTS, UNITS, TOWER, TASKS = 3, [1024, 512, 256], 4, 256, 64, 2
WIDE = FIELDS * DIM + NUMBERS
# bench/gpu/embedding_case.cpp
POOLED_DIM, EXPONENT = 128, 1.05


class Step(nn.Module):
    """Inputs are part of it, so that they stay where they are: a graph reads them there."""

    def __init__(self, batch):
        super().__init__()
        keys = torch.randint(0, KEYS, (batch * FIELDS,))
        unique, ids = torch.unique(keys, return_inverse=True)
        self.rows = nn.Parameter(0.2 * torch.rand(len(unique), DIM) - 0.1)
        self.register_buffer("ids", ids.view(batch, FIELDS).int())
        self.register_buffer("numbers", torch.rand(batch, NUMBERS))
        self.register_buffer("labels", torch.randint(0, 2, (TASKS, batch)).float())
        self.cross = nn.ModuleList(nn.Linear(WIDE, WIDE) for _ in range(CROSS))
        sizes = [WIDE] + DEEP
        self.deep = nn.ModuleList(nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))
        self.experts = nn.Linear(WIDE + DEEP[-1], UNITS * EXPERTS)  # side by side: one product
        self.gates = nn.Linear(WIDE + DEEP[-1], EXPERTS * TASKS)
        self.towers = nn.ModuleList(
            nn.Sequential(nn.Linear(UNITS, TOWER), nn.ReLU(), nn.Linear(TOWER, 1))
            for _ in range(TASKS))

    def forward(self):
        x = torch.cat((F.embedding(self.ids, self.rows).flatten(1), self.numbers), 1)
        c, d = x, x
        for layer in self.cross:
            c = torch.addcmul(c, x, layer(c))
        for layer in self.deep:
            d = F.relu(layer(d))
        z = torch.cat((c, d), 1)
        e = F.relu(self.experts(z)).view(-1, EXPERTS, UNITS)
        g = self.gates(z).view(-1, TASKS, EXPERTS).softmax(2)
        mixed = torch.bmm(g, e)
        loss = 0
        for t, tower in enumerate(self.towers):
            logits = tower(mixed[:, t]).squeeze(1).float()
            loss = loss + F.binary_cross_entropy_with_logits(logits, self.labels[t])
        return loss


def step(batch, bf16, device, compiler):
    """The work of a step, and the copies before and after it."""
    net = Step(batch).to(device)
    dense = [p for name, p in net.named_parameters() if name != "rows"]
    on_gpu = device.type == "cuda"
    adam = torch.optim.Adam(dense, 1e-3, fused=on_gpu, capturable=on_gpu)
    forward = compiler(net)

    def work():
        net.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            loss = forward()
        loss.backward()
        adam.step()

    def pinned(tensor):
        host = tensor.detach().cpu()
        return host.pin_memory() if on_gpu else host

    inputs = [(t, pinned(t)) for t in (net.rows.data, net.ids, net.numbers, net.labels)]
    gradient = pinned(net.rows)

    def before():
        for here, host in inputs:
            here.copy_(host, non_blocking=True)

    return work, before, lambda: gradient.copy_(net.rows.grad, non_blocking=True)


def cross(batch, bf16, device, compiler):
    x0, x = (torch.rand(batch, WIDE, device=device, requires_grad=True) for _ in range(2))
    weight = (0.1 * torch.rand(WIDE, WIDE, device=device)).requires_grad_()
    bias = torch.rand(WIDE, device=device, requires_grad=True)
    dy = torch.rand(batch, WIDE, device=device)

    def layer(x0, x, weight, bias):
        return torch.addcmul(x, x0, F.linear(x, weight, bias))

    forward = compiler(layer)

    def work():
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            y = forward(x0, x, weight, bias)
        torch.autograd.grad(y, (x0, x, weight, bias), dy)

    return work, None, None


def embedding(batch, _, device, compiler):
    count = batch * FIELDS
    shares = torch.arange(1, KEYS + 1, dtype=torch.float64, device=device) ** -EXPONENT
    ends = shares.cumsum(0)
    places = ends[-1] * torch.rand(count, dtype=torch.float64, device=device)
    keys = torch.searchsorted(ends, places).clamp_(max=KEYS - 1)
    unique, ids = torch.unique(keys, return_inverse=True)
    ids, offsets = ids.int(), torch.arange(count, device=device, dtype=torch.int32)
    table = torch.rand(len(unique), POOLED_DIM, device=device, requires_grad=True)
    dy = torch.rand(count, POOLED_DIM, device=device)

    def pool(ids, table, offsets):
        return F.embedding_bag(ids, table, offsets, mode="sum")

    forward = compiler(pool)

    def work():
        torch.autograd.grad(forward(ids, table, offsets), table, dy)

    return work, None, None


CASES = {"step": step, "cross": cross, "embedding": embedding}


def graphed(work):
    """`work` as one CUDA graph."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            work()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        work()
    return graph.replay


def described(error):
    return " ".join(f"{type(error).__name__}: {error}".split())[:400]


def synchronize(device):
    if device.type == "cuda":
        torch.cuda.synchronize()


def device_seconds(calls, work, device):
    if device.type != "cuda":
        return wall_seconds(calls, work, device)
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(calls):
        work()
    end.record()
    end.synchronize()
    return 1e-3 * start.elapsed_time(end) / calls


def wall_seconds(calls, work, device):
    synchronize(device)
    start = time.perf_counter()
    for _ in range(calls):
        work()
        synchronize(device)
    return (time.perf_counter() - start) / calls


def median_ms(clock, work, device):
    for _ in range(3):
        work()
    calls = max(1, min(200, int(0.02 / clock(1, work, device))))
    return 1e3 * statistics.median(clock(calls, work, device) for _ in range(9))


def measure(name, how, device):
    kind, rows, precision = (name.split("_") + ["f32"])[:3]
    gc.collect()  # the graphs of the case before, which hold memory
    torch.compiler.reset()
    torch.manual_seed(1)
    torch.set_float32_matmul_precision("highest" if precision == "f32" else "high")
    # Pooled gradients shall be summed in one order, as ours are; PyTorch warns where it has none.
    # Filling what is not initialised is no part of that, and takes time. A step may add freely.
    torch.use_deterministic_algorithms(kind == "embedding", warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False
    compiled = how == "compiled"
    compiler = (lambda f: torch.compile(f, dynamic=False)) if compiled else (lambda f: f)
    work, before, after = CASES[kind](int(rows), precision == "bf16", device, compiler)
    result = {"case": name, "how": how}
    for _ in range(3):
        work()
    synchronize(device)
    if compiled and device.type == "cuda":
        try:
            work = graphed(work)
        except Exception as error:
            result["note"] = "no CUDA graph: " + described(error)
    result["device_ms"] = median_ms(device_seconds, work, device)
    if before is not None:
        def whole():
            before()
            work()
            after()
        result["wall_ms"] = median_ms(wall_seconds, whole, device)
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300,
                        help="after which no case is begun")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("cases", nargs="+", metavar="CASE")
    options = parser.parse_args()
    end = time.monotonic() + options.seconds
    device = torch.device(options.device)
    print(json.dumps({"torch": torch.__version__}), flush=True)
    # Compiled first: those are what the goals are against.
    for how in ("compiled", "eager"):
        for name in options.cases:
            if time.monotonic() > end:
                result = {"case": name, "how": how, "note": "no time left"}
            else:
                try:
                    result = measure(name, how, device)
                except Exception as error:  # of a compiler that is missing, of too little memory
                    result = {"case": name, "how": how, "note": described(error)}
            print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
