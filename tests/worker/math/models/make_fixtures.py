#!/usr/bin/env python3
"""Computes forward and gradients of layers, losses and optimizers with PyTorch, in float64.

    python3 tests/worker/math/models/make_fixtures.py > tests/worker/math/models/fixtures/pytorch.txt

fixtures_test.cpp reads the result and holds the operations against it; PyTorch is needed only to
write it anew. A case is a line `case NAME`, then lines `NAME ROWS COLS VALUE...`: inputs in0, in1,
..., the output y, dy that it is multiplied with, and d0, d1, ...: the gradients of sum(y * dy).
Of a loss y is the loss and d0 its gradient; of an optimizer y is what w is after three steps. Whole models: see
make_model_fixtures.py.
"""
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
torch.manual_seed(7)
B, D, R, E, K = 5, 6, 2, 3, 4  # batch, dim, rank, experts, fields


def write(name, tensor):
    # Inputs are rounded to float32 before anything is computed, so nothing is lost in reading.
    m = tensor.detach().reshape(-1, tensor.shape[-1] if tensor.dim() else 1)
    print(name, m.shape[0], m.shape[1], *("%.12g" % v for v in m.flatten().tolist()))


def draw(*shape):
    return (torch.randn(*shape) * 0.7).float().double().requires_grad_()


def case(name, inputs, forward):
    print("case", name)
    y = forward(*inputs)
    dy = draw(*y.shape).detach()
    (y * dy).sum().backward()
    for i, x in enumerate(inputs):
        write(f"in{i}", x)
    write("y", y)
    write("dy", dy)
    for i, x in enumerate(inputs):
        write(f"d{i}", x.grad)


def loss_case(name, labels, forward):
    print("case", name)
    z = draw(B + 4, 1)
    loss = forward(z, labels)
    loss.backward()
    write("in0", z)
    write("in1", labels)
    write("y", loss)
    write("d0", z.grad)


def optimizer_case(name, make):
    print("case", name)
    w = draw(1, 11)
    write("in0", w)
    gradients = [draw(1, 11).detach() for _ in range(3)]
    optimizer = make([w])
    for i, g in enumerate(gradients):
        write(f"in{i + 1}", g)
        w.grad = g.clone()
        optimizer.step()
    write("y", w)


def pair_dots(x):
    v = x.view(B, K, D)
    products = torch.bmm(v, v.transpose(1, 2))
    i, j = torch.tril_indices(K, K, offset=-1)
    return products[:, i, j]


def mixture(x0, x, v, c, u, gate, bias):
    experts = []
    for e in range(E):
        h = torch.tanh(F.linear(x, v[e * R:(e + 1) * R]))
        h = torch.tanh(F.linear(h, c[e * R:(e + 1) * R]))
        experts.append(x0 * (F.linear(h, u[:, e * R:(e + 1) * R]) + bias))
    weights = torch.softmax(F.linear(x, gate), 1)
    return sum(weights[:, e:e + 1] * experts[e] for e in range(E)) + x


def focal(z, y, alpha=0.25, gamma=2.0):  # as torchvision.ops.sigmoid_focal_loss
    p = torch.sigmoid(z)
    p_true = p * y + (1 - p) * (1 - y)
    a = alpha * y + (1 - alpha) * (1 - y)
    return (a * (1 - p_true) ** gamma *
            F.binary_cross_entropy_with_logits(z, y, reduction="none")).mean()


def pairwise(z, y):
    i, j = torch.where(y > y.T)
    return F.softplus(z[j, 0] - z[i, 0]).mean()


case("gelu", [draw(B, D)], F.gelu)
case("silu", [draw(B, D)], F.silu)
case("sigmoid", [draw(B, D)], torch.sigmoid)
case("tanh", [draw(B, D)], torch.tanh)
case("prelu", [draw(B, D), draw(1, D)], lambda x, a: F.prelu(x, a[0]))
case("layer_norm", [draw(B, D), draw(1, D), draw(1, D)],
     lambda x, g, b: F.layer_norm(x, (D,), g[0], b[0]))
case("batch_norm", [draw(B, D), draw(1, D), draw(1, D)],
     lambda x, g, b: F.batch_norm(x, None, None, g[0], b[0], training=True))
case("linear_relu", [draw(B, D), draw(3, D), draw(1, 3)], lambda x, w, b: F.relu(F.linear(x, w, b[0])))
case("cross", [draw(B, D), draw(B, D), draw(D, D), draw(1, D)],
     lambda x0, x, w, b: x0 * F.linear(x, w, b[0]) + x)
case("vector_cross", [draw(B, D), draw(B, D), draw(1, D), draw(1, D)],
     lambda x0, x, w, b: x0 * (x @ w.T) + b + x)
case("low_rank_cross", [draw(B, D), draw(B, D), draw(R, D), draw(D, R), draw(1, D)],
     lambda x0, x, v, u, b: x0 * F.linear(F.linear(x, v), u, b[0]) + x)
case("mixture_cross", [draw(B, D), draw(B, D), draw(E * R, D), draw(E * R, R), draw(D, E * R),
                       draw(E, D), draw(1, D)], mixture)
case("pairs", [draw(B, K * D)], lambda x: 0.5 * (x.view(B, K, D).sum(1) ** 2 -
                                                 (x.view(B, K, D) ** 2).sum(1)))
case("dots", [draw(B, K * D)], pair_dots)
case("gates", [draw(B, E), draw(B, E * D)],
     lambda g, x: (torch.softmax(g, 1)[:, :, None] * x.view(B, E, D)).sum(1))

binary = torch.tensor([[0.0], [1], [1], [0], [1], [0], [0], [1], [0]])
loss_case("bce", binary, F.binary_cross_entropy_with_logits)
loss_case("mse", draw(B + 4, 1).detach(), F.mse_loss)
loss_case("huber", draw(B + 4, 1).detach(), lambda z, y: F.huber_loss(z, y, delta=0.5))
loss_case("focal", binary, focal)
loss_case("pairwise", binary, pairwise)

optimizer_case("sgd", lambda p: torch.optim.SGD(p, lr=0.1))
optimizer_case("momentum", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9))
optimizer_case("nesterov", lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True))
optimizer_case("adagrad", lambda p: torch.optim.Adagrad(p, lr=0.1, eps=1e-8))
optimizer_case("adam", lambda p: torch.optim.Adam(p, lr=0.1))
optimizer_case("adamw", lambda p: torch.optim.AdamW(p, lr=0.1, weight_decay=0.2))

# Three bags of ids, the second empty, and a target for each: the activation unit of DIN.
OFFSETS, INDEX = [0, 3, 3, 5], [2, 0, 2, 1, 3]
ROW = [0, 0, 0, 2, 2]  # of each id


def attention(softmax):
    def forward(table, target, w1, b1, w2, b2):
        k, t = table[INDEX], target[ROW]
        x = torch.cat([k, t, k - t, k * t], 1)
        scores = F.linear(torch.sigmoid(F.linear(x, w1, b1[0])), w2, b2[0])
        if softmax:
            scores = torch.cat([torch.softmax(scores[a:b], 0)
                                for a, b in zip(OFFSETS, OFFSETS[1:])])
        return torch.zeros_like(target).index_add(0, torch.tensor(ROW), scores * k)
    return forward


for name, softmax in ("attention", False), ("attention_softmax", True):
    case(name, [draw(4, D), draw(3, D), draw(3, 4 * D), draw(1, 3), draw(1, 3), draw(1, 1)],
         attention(softmax))
case("max_pool", [draw(4, D)], lambda table: F.embedding_bag(
    torch.tensor(INDEX), table, torch.tensor(OFFSETS[:-1]), mode="max"))
for mode in "sum", "mean":
    case(f"{mode}_pool", [draw(4, D)], lambda table: F.embedding_bag(
        torch.tensor(INDEX), table, torch.tensor(OFFSETS[:-1]), mode=mode))


def philox(key, high, low):
    """Philox4x32-10 of Salmon et al., SC 2011: 128 bits as four words."""
    mask = 0xffffffff
    k, c = [key & mask, key >> 32], [low & mask, low >> 32, high & mask, high >> 32]
    for _ in range(10):
        p, q = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [q >> 32 ^ c[1] ^ k[0], q & mask, p >> 32 ^ c[3] ^ k[1], p & mask]
        k = [(k[0] + 0x9E3779B9) & mask, (k[1] + 0xBB67AE85) & mask]
    return c


def dropout(x, rate=0.4, seed=3, step=5, first_sample=70_000, layer=2):
    """As worker/math/ops/dropout.h draws it."""
    threshold = round(rate * 65536)
    mask = torch.zeros_like(x)
    for r in range(x.shape[0]):
        for u in range(x.shape[1]):
            words = philox(seed ^ 0x64726f706f7574, step << 16 | layer, first_sample + r << 16 | u // 8)
            draw16 = words[u % 8 // 2] >> u % 2 * 16 & 0xffff
            mask[r, u] = 0 if draw16 < threshold else 65536 / (65536 - threshold)
    return x * mask


case("dropout", [draw(B, 2 * D)], dropout)


class Lamb(torch.optim.AdamW):
    """You et al., ICLR 2020, with AdamW's direction: torch.optim has none."""

    def step(self):
        group = self.param_groups[0]
        for w in group["params"]:
            before = w.detach().clone()
            super().step()
            u = (before - w.detach()) / group["lr"]
            w.data = before - group["lr"] * before.norm() / u.norm() * u


class Clipped(torch.optim.SGD):
    def step(self):
        torch.nn.utils.clip_grad_norm_(self.param_groups[0]["params"], 0.5)
        super().step()


optimizer_case("lamb", lambda p: Lamb(p, lr=0.1, weight_decay=0.2))
optimizer_case("clip_norm", lambda p: Clipped(p, lr=0.1))
