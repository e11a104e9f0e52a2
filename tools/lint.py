#!/usr/bin/env python3
"""Reads docs and comments as an editor would: links, length of sentences, openings, leftovers.

    tools/lint.py [FILE...]     FILE: .md pages and sources; default: every tracked one

Prints FILE:LINE: what is wrong, and exits with 1 if anything is. `./dev lint` calls it;
tools/lint_test.py is its test.
"""
import pathlib
import re
import subprocess
import sys

WORDS_MEAN_MAX = 22  # per sentence of a page
WORDS_MAX = 50  # of its longest sentence
FIGURES = {"docs/benchmarks.md": (27, 60)}  # prose between tables: its own limits
GENERATED = {"docs/config.md", "docs/quality.md"}  # other programs write their sentences

DANGLING = {"Of", "What", "Whose", "That", "Which", "Whom"}
VERBS = {"is", "has", "was", "fills"}  # their `_a_` is an article
SOURCES = {".h", ".cpp", ".cu", ".cuh", ".inc"}


# --- pages ---


def without_code(text):
    """The same lines; those of fenced blocks are empty."""
    lines, inside = [], False
    for line in text.split("\n"):
        fence = line.lstrip().startswith("```")
        lines.append("" if inside or fence else line)
        inside ^= fence
    return lines


def slug(heading):
    """The anchor of a heading, as GitHub makes it."""
    heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
    heading = re.sub(r"[^\w\- ]", "", heading.lower())
    return heading.strip().replace(" ", "-")


def anchors(text):
    found = set()
    for line in without_code(text):
        match = re.match(r"#+ (.*)", line)
        if match:
            name, number = slug(match[1]), 0
            while name + (f"-{number}" if number else "") in found:
                number += 1
            found.add(name + (f"-{number}" if number else ""))
    return found


def check_links(path, text):
    for number, line in enumerate(without_code(text), 1):
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", line)):
            if re.match(r"[a-z]+:", target):
                continue
            file, _, anchor = target.partition("#")
            page = path.parent / file if file else path
            if not page.exists():
                yield number, f"link to {target}: no such file"
            elif anchor and anchor not in anchors(page.read_text()):
                yield number, f"link to {target}: no such heading"


def sentences(text):
    """(line, sentence) of the prose of a page: no code, tables or headings."""
    start, words = 1, []
    for number, line in enumerate(without_code(text) + [""], 1):
        line = line.strip()
        new = re.match(r"([-*]|\d+\.) ", line)
        if not line or line[0] in "#|<" or new:
            if words:
                yield start, " ".join(words)
            words = []
        if not line or line[0] in "#|<":
            continue
        if new:
            line = line[new.end():]
        for piece in re.split(r"(?<=[.!?])\**\s+(?=[A-Z`*\[(])", line):
            if words and words[-1].rstrip("*)").endswith((".", "!", "?")):
                yield start, " ".join(words)
                words = []
            if not words:
                start = number
            words += piece.split()


def length(sentence):
    sentence = re.sub(r"`[^`]*`", "code", sentence)
    sentence = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", sentence)
    return sum(1 for word in sentence.split() if re.search(r"\w", word))


def check_sentences(text, mean_max=WORDS_MEAN_MAX, words_max=WORDS_MAX):
    lengths = []
    for number, sentence in sentences(text):
        lengths.append(length(sentence))
        if lengths[-1] > words_max:
            yield number, f"a sentence of {lengths[-1]} words (at most {words_max})"
    if lengths and sum(lengths) > mean_max * len(lengths):
        mean = sum(lengths) / len(lengths)
        yield 1, f"sentences of {mean:.1f} words on average (at most {mean_max})"


# --- comments and names ---


def check_comments(text):
    lines = [line.strip() for line in text.split("\n")]
    comment = [re.match(r"///?(?!/)(.*)", line) for line in lines]
    body = [match[1] if match else None for match in comment]
    for i, here in enumerate(body):
        if here is None:
            continue
        before = body[i - 1] if i else None
        after = body[i + 1] if i + 1 < len(body) else None
        words = here.split()
        if words and before is None and words[0] in DANGLING:
            yield i + 1, f"the comment opens with a dangling '{words[0]}'"
        # A word or two in the middle of a paragraph, though the next line's would have room.
        prose = before and after and after.strip() and len(before) > 60
        if prose and 0 < len(words) <= 2 and not re.search(r"[.:;]$|\S  +\S", here):
            if after.strip()[0].islower() and len(here) < 24:
                yield i + 1, f"a reflow left '{here.strip()}' alone on its line"


def check_names(text):
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("#include"):
            continue
        for name in re.findall(r"\b[a-z]\w*s_a_\w+|\bk[A-Z]\w*sA[A-Z]\w*", line):
            if name.split("_a_")[0].split("_")[-1] not in VERBS:
                yield number, f"'{name}': say per, not a"


# --- the program ---


def check_file(path):
    text = path.read_text()
    if path.suffix == ".md":
        yield from check_links(path, text)
        if path.as_posix() not in GENERATED:
            yield from check_sentences(text, *FIGURES.get(path.as_posix(), ()))
    elif path.suffix in SOURCES:
        yield from check_comments(text)
        yield from check_names(text)


def main(arguments):
    names = arguments or subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], capture_output=True, text=True, check=True
    ).stdout.split()
    found = 0
    for name in names:
        path = pathlib.Path(name)
        if path.suffix not in SOURCES | {".md"} or not path.is_file():
            continue
        for number, what in check_file(path):
            print(f"{name}:{number}: {what}")
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
