#!/usr/bin/env python3
"""Writes the files of NumPy that npy_test.cpp reads: tests/worker/math/tensor/make_npz.py (in its folder)."""
import pathlib

import numpy as np

here = pathlib.Path(__file__).parent / "fixtures"
here.mkdir(exist_ok=True)
arrays = {
    "f32": np.arange(6, dtype=np.float32).reshape(2, 3) / 4,
    "f64_columns_first": np.asfortranarray(np.arange(24, dtype=np.float64).reshape(2, 3, 4)),
    "i64_single": np.int64(-(2 ** 62) - 1),
    "empty": np.zeros((0, 3), np.float32),
}
np.savez(here / "stored.npz", **arrays)
np.savez_compressed(here / "deflated.npz", **arrays)
np.save(here / "f32.npy", arrays["f32"])
np.save(here / "complex.npy", np.zeros(2, np.complex64))
