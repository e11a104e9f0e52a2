#include "common/config/reference.h"

#include <fmt/format.h>

#include "common/config/key_text.h"
#include "common/config/schema.h"
#include "common/config/value_text.h"

namespace cairn {
namespace {

constexpr std::string_view kIntroduction = R"(# The job file

<!-- Written by `cairn validate --print-reference` from common/config/schema.cpp: change it there. -->

One YAML file describes a job. `cairn validate job.yaml` checks it and says what it would start;
[configs/](../configs) has jobs to begin with, each explained line by line.

```yaml
output: runs/first

data:
  train: data/train.csv.gz
  eval: data/eval.csv.gz

features:
  - name: age                  # a number: one input column of the model
    transform: [log1p, standardize]
  - names: [user, movie]       # ids: one table of embeddings each
    transform: hash
  - name: genres               # several ids in one field, pooled
    transform: hash
    separator: "|"
    pooling: mean

model:
  cross: {layers: 2}
  deep: {units: [128, 64]}
  tasks:
    - {name: like, label: rating >= 4}

train: {workers: 2, batch_size: 512, epochs: 2}
```

## Rules

- Unknown, duplicate and missing keys, values of a wrong type and values that cannot be are errors. All are
  reported at once, as `file:line:column: key.path: what is wrong; what would be right`, and the exit code is 2.
- `--set key.path=value` replaces a value, which is YAML: `--set train.epochs=2`,
  `--set features.0.transform=[log1p]`. Items of lists are counted from 0. A mistake in one is reported under
  the file name `--set`, with its number for a line.
- In text, `${NAME}` is the environment variable NAME, which must be set, and `${NAME:-other}` is `other` where
  it is unset or empty. `$${` stands for `${`.
- Relative paths are relative to the current directory.
- Integers may be written 1000000, 1_000_000 or 1e6; sizes also 64M or 4GiB (powers of 1024). `010` is refused:
  YAML 1.1 reads it as eight.
- A single value may stand for a list of one. Ranges of names, `I1..I13`, stand for all in between.
- Anchors, aliases, merge keys and tags of YAML are refused.
- A run writes the job with every default filled in to `<output>/resolved.yaml`, itself a job file.

## Features

An entry of `features` without a transform that makes ids is a number. `log1p` is log(1 + max(x, 0));
`standardize` subtracts the mean of the training data and divides by its deviation.

These make ids, which are looked up in the feature's table and pooled: `hash` (any text), `integer` (the number
itself), `bucketize` (its place among `boundaries`), `cross` (the hash of the values of several `columns`),
`hour_of_day` and `day_of_week` (of Unix seconds in UTC; 0 is Monday). Only `integer` and `bucketize` may follow
`log1p` or `standardize`.

A column with a `separator` holds a sequence of ids. `pooling` makes one vector of theirs: sum, mean, elementwise
maximum, or, with `attention`, a sum in which a small network (`model.attention`) weighs each id by what it has to do
with the `target`, another feature of the row: what a user has seen, over the item that is offered. A sequence
without ids is a vector of zeros.

Features that name the same `table` share its rows. Tables take `dim`, `optimizer`, `initializer`, `admission`,
`expiry` and `max_rows` from `ps`, and what is different from `ps.tables`.
)";

constexpr std::string_view kTable =
    "| key | type | default | allowed | meaning |\n| --- | --- | --- | --- | --- |\n";

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

// `<output>/cache` would be a tag of HTML outside of code.
std::string code(std::string_view text) { return text.empty() ? "" : fmt::format("`{}`", text); }

std::string default_of(const ConfigKey& key, const FieldRef& field) {
  if (key.required) return "**required**";
  if (!key.default_text.empty())
    return key.default_text.starts_with('<') ? code(key.default_text)
                                             : std::string(key.default_text);
  if (is_empty(field)) return "none";
  return code(print_value(key, field));
}

class Reference {
 public:
  std::string write() {
    out_ = kIntroduction;
    section("At the top", job_keys(), "");
    return std::move(out_);
  }

 private:
  void section(const std::string& title, std::span<const ConfigKey> keys, const std::string& path) {
    out_ += fmt::format("\n## {}\n\n{}", title, kTable);
    for (const ConfigKey& key : keys) row(key);
    for (const ConfigKey& key : keys) {
      if (!key.same_as.empty()) continue;
      const FieldRef field = key.at(key.fresh());
      std::string inner = path + std::string(key.name);
      if (const BlockRef* ref = std::get_if<BlockRef>(&field))
        section(code(inner), ref->keys, inner + ".");
      if (const BlocksRef* refs = std::get_if<BlocksRef>(&field)) {
        inner += refs->name ? ".NAME" : "[]";
        section(code(inner), refs->keys, inner + ".");
      }
    }
  }

  void row(const ConfigKey& key) {
    const FieldRef field = key.at(key.fresh());
    const bool block =
        std::holds_alternative<BlockRef>(field) || std::holds_alternative<BlocksRef>(field);
    std::string meaning(key.text);
    if (!key.same_as.empty()) meaning += fmt::format("; keys as in `{}`", key.same_as);
    if (!key.formerly.empty()) meaning += fmt::format(" (formerly `{}`)", key.formerly);
    if (key.applies) meaning += fmt::format(" ({})", key.applies_text);
    if (!key.later.empty()) meaning += fmt::format(" (later: {})", fmt::join(key.later, ", "));
    out_ += fmt::format("| {} | {} | {} | {} | {} |\n", code(key.name), type_text(key),
                        block && !key.required ? "" : cell(default_of(key, field)),
                        cell(allowed_text(key)), cell(meaning));
  }

  std::string out_;
};

}  // namespace

std::string config_reference() { return Reference().write(); }

}  // namespace cairn
