"""The rows of a job as PyTorch sees them: the features of the job file, made of the same CSV files.

Transforms as docs/config.md says. A value of an id feature becomes a row of one table that all features
share, each with rows of its own: equal to a table each, as keys never meet.
"""
import csv
import gzip
import itertools
import operator

import numpy as np
import torch

BLOCK = 100_000  # rows whose text is held at once
COMPARISONS = {">=": operator.ge, ">": operator.gt, "<=": operator.le, "<": operator.lt, "==": operator.eq}


def blocks(path):
    """Lists of fields, a list a column, by name."""
    opened = gzip.open(path, "rt", newline="") if path.endswith(".gz") else open(path, newline="")
    with opened as file:
        rows = csv.reader(file)
        names = next(rows)
        while block := list(itertools.islice(rows, BLOCK)):
            yield dict(zip(names, zip(*block)))


def numbers(fields):
    """float64, missing ones as NaN."""
    return np.array([float(field) if field else np.nan for field in fields])


class IdFeature:
    """Codes of values from 0, in the order in which they first come, after `start` of the shared table."""

    def __init__(self, feature):
        self.transform = feature["transform"][-1]
        self.columns = feature.get("columns") or [feature["column"]]
        self.boundaries = feature.get("boundaries")
        self.separator = feature.get("separator")
        self.pooling = feature["pooling"]
        self.codes, self.start = {}, 0

    def values(self, block):
        """Of each row something hashable; of a row with a separator a tuple of them."""
        fields = [block[column] for column in self.columns]
        if self.transform == "cross":
            return list(zip(*fields))
        if self.transform == "bucketize":
            values = numbers(fields[0])
            buckets = np.searchsorted(self.boundaries, values, side="right")
            return np.where(np.isnan(values), -1, buckets).tolist()
        if self.transform == "hour_of_day":
            return [int(field) % 86_400 // 3600 for field in fields[0]]
        if self.transform == "day_of_week":  # 1970 began on a Thursday
            return [(int(field) // 86_400 + 3) % 7 for field in fields[0]]
        assert self.transform in ("hash", "integer"), self.transform
        if self.separator:
            return [tuple(field.split(self.separator)) if field else () for field in fields[0]]
        return fields[0]

    def encode(self, block):
        """Codes [rows], or with a separator (codes of all values, number of values [rows])."""
        codes = self.codes
        if not self.separator:
            return np.array([codes.setdefault(v, len(codes)) for v in self.values(block)])
        rows = self.values(block)
        ids = [codes.setdefault(v, len(codes)) for row in rows for v in row]
        return np.array(ids, dtype=np.int64), np.array([len(row) for row in rows])


class NumberFeature:
    def __init__(self, feature):
        self.column, self.transforms = feature["column"], feature.get("transform", [])
        assert set(self.transforms) <= {"log1p", "standardize"}, self.transforms
        self.mean, self.deviation = 0.0, 1.0

    def encode(self, block):
        values = numbers(block[self.column])
        return np.log1p(np.maximum(values, 0)) if "log1p" in self.transforms else values

    def finish(self, values, training):
        if "standardize" in self.transforms:
            if training:
                known = values[~np.isnan(values)]
                self.mean, self.deviation = known.mean(), known.std() or 1.0
            values = (values - self.mean) / self.deviation
        return np.nan_to_num(values)


class Label:
    def __init__(self, task):
        parts = str(task["label"]).split()
        self.column = parts[0]
        self.compare = (COMPARISONS[parts[1]], float(parts[2])) if len(parts) == 3 else None

    def encode(self, block):
        values = numbers(block[self.column])
        return self.compare[0](values, self.compare[1]).astype(float) if self.compare else values


class Rows:
    """single [rows, features of one id]; bags: of each feature of several its ids and where each row's begin, [rows + 1],
    in a batch [rows]; numbers [rows, features]; labels [rows, tasks]."""

    def __init__(self, single, bags, numbers, labels):
        self.single, self.bags, self.numbers, self.labels = single, bags, numbers, labels

    def __len__(self):
        return len(self.labels)

    def batch(self, index):
        bags = []
        for ids, starts in self.bags:
            first, count = starts[index], starts[index + 1] - starts[index]
            offsets = torch.cumsum(count, 0) - count
            within = torch.arange(int(count.sum())) - torch.repeat_interleave(offsets, count)
            bags.append((ids[torch.repeat_interleave(first, count) + within], offsets))
        return Rows(self.single[index], bags, self.numbers[index], self.labels[index])


class Dataset:
    """`train` and `eval` are Rows. The shared table has `keys` rows. What is standardized is so by the training rows."""

    def __init__(self, job):
        ids = [f for f in job["features"] if f.get("table")]
        self.single = [IdFeature(f) for f in ids if not f.get("separator")]
        self.multiple = [IdFeature(f) for f in ids if f.get("separator")]
        self.numbers = [NumberFeature(f) for f in job["features"] if not f.get("table")]
        self.labels = [Label(task) for task in job["model"]["tasks"]]
        read = {name: self.read(job["data"][name]) for name in ("train", "eval")}
        self.keys = 0
        for feature in self.single + self.multiple:  # all codes are known now
            feature.start, self.keys = self.keys, self.keys + len(feature.codes)
        self.train, self.eval = (self.rows(read[name], name == "train") for name in ("train", "eval"))

    def read(self, paths):
        parts = [[feature.encode(block) for feature in self.single + self.multiple + self.numbers + self.labels]
                 for path in paths for block in blocks(path)]
        join = lambda column: (tuple(np.concatenate(part) for part in zip(*column))
                               if isinstance(column[0], tuple) else np.concatenate(column))
        return [join(column) for column in zip(*parts)]

    def rows(self, columns, training):
        columns = iter(columns)
        single = [next(columns) + feature.start for feature in self.single]
        bags = []
        for feature in self.multiple:
            ids, counts = next(columns)
            starts = np.concatenate(([0], np.cumsum(counts)))
            bags.append((torch.from_numpy(ids + feature.start), torch.from_numpy(starts)))
        numbers = [feature.finish(next(columns), training) for feature in self.numbers]
        labels = np.stack(list(columns), 1)
        stack = lambda parts: torch.from_numpy(np.stack(parts, 1) if parts else np.zeros((len(labels), 0)))
        return Rows(stack(single), bags, stack(numbers).float(), torch.from_numpy(labels).float())
