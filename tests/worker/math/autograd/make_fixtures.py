#!/usr/bin/env python3
"""Computes differentiable tensor operations and their gradients with PyTorch, in float64.

    python3 tests/worker/math/autograd/make_fixtures.py

writes fixtures/tensor_functions.npz beside it, which tensor_functions_test.cpp reads; PyTorch is needed only to
write it anew. Of a case NAME stand in it NAME.in0, NAME.in1, ..., the result NAME.y, what that is multiplied with
NAME.dy, and the gradients of sum(y * dy): NAME.d0, ...; indices are of int64 and have none.
"""
import pathlib

import numpy as np
import torch

torch.set_default_dtype(torch.float64)
torch.manual_seed(11)
arrays = {}


def draw(*shape):
    return torch.randn(*shape).requires_grad_()


def positive(*shape):
    return (torch.rand(*shape) + 0.5).requires_grad_()


def few(*shape):
    """Whole numbers, so that some are equal."""
    return torch.randint(-1, 2, shape).double().requires_grad_()


def case(name, inputs, forward):
    y = forward(*inputs)
    dy = torch.randn(*y.shape)
    (y * dy).sum().backward()
    arrays[f"{name}.y"], arrays[f"{name}.dy"] = y.detach().numpy(), dy.numpy()
    for i, x in enumerate(inputs):
        arrays[f"{name}.in{i}"] = x.detach().numpy()
        if x.grad is not None:
            arrays[f"{name}.d{i}"] = x.grad.numpy()


case("add", [draw(2, 3, 4), draw(3, 1)], torch.add)
case("subtract", [draw(4), draw(2, 3, 1)], torch.sub)
case("multiply", [draw(2, 1, 4), draw(3, 4)], torch.mul)
case("divide", [draw(2, 3), positive(3)], torch.div)
case("minimum", [few(2, 3, 4), few(3, 4)], torch.minimum)
case("maximum", [few(4), few(2, 3, 4)], torch.maximum)

case("negate", [draw(2, 3)], torch.neg)
case("absolute", [few(3, 4)], torch.abs)
case("exp", [draw(2, 3)], torch.exp)
case("log", [positive(2, 3)], torch.log)
case("sqrt", [positive(2, 3)], torch.sqrt)
case("tanh", [draw(2, 3)], torch.tanh)
case("sigmoid", [draw(2, 3)], torch.sigmoid)

case("matmul", [draw(3, 4), draw(4, 2)], torch.matmul)
case("matmul_of_batches", [draw(2, 1, 3, 4), draw(5, 4, 2)], torch.matmul)

case("sum", [draw(2, 3, 4)], lambda x: x.sum((0, 2), keepdim=True))
case("mean", [draw(2, 3, 4)], lambda x: x.mean(1, keepdim=True))
case("minimum_over", [few(2, 3, 4)], lambda x: x.amin((1, 2), keepdim=True))
case("maximum_over", [few(2, 3, 4)], lambda x: x.amax((0, 1), keepdim=True))

case("reshape", [draw(2, 3, 4)], lambda x: x.reshape(4, 6))
case("reshape_of_transposed", [draw(2, 3, 4)], lambda x: x.permute(2, 0, 1).reshape(8, 3))
case("transpose", [draw(2, 3, 4)], lambda x: x.permute(2, 0, 1))
case("slice", [draw(2, 5, 3)], lambda x: x[:, 1:4])
case("broadcast", [draw(3, 1)], lambda x: x.expand(2, 3, 4))
case("cast", [draw(2, 3)], lambda x: x.float())
case("cast_to_bf16", [draw(2, 3)], lambda x: x.bfloat16().double())
case("concatenate", [draw(2, 3, 2), draw(2, 1, 2)], lambda a, b: torch.cat([a, b, a], 1))
case("gather", [draw(4, 3), torch.tensor([2, 0, 2, 3])], lambda x, i: x[i])
case("scatter_add", [draw(4, 3), torch.tensor([2, 0, 2]), draw(3, 3)], lambda x, i, v: x.index_add(0, i, v))
# Of several at once: a softmax over an axis, as it keeps from overflowing.
case("softmax", [draw(2, 3, 4)], lambda x: torch.softmax(x, 1))

np.savez_compressed(pathlib.Path(__file__).parent / "fixtures" / "tensor_functions.npz",
                    **{name: np.ascontiguousarray(a) for name, a in arrays.items()})
