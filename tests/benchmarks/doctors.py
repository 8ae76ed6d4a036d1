"""Our doctor beside torchtest2 and torch-audit on the same programs: recall, precision and kinds.

``python -m tests.benchmarks.doctors [FOLDER]``. The programs are those of the tests, each with its
fixed twin, and those in FOLDER: ``faulty/*.py`` and ``correct/*.py``, each with ``setup()``, which
returns the arguments of ``examine`` (``setup(mend=True)`` without the fault), and ``META``, whose
``words`` is a pattern for what a finding has to say to name the fault. The two other tools come
from the package registry (``pip install --no-deps torchtest2 torch-audit``, in an environment of
their own beside this torch); one that is not installed is left out, and said so.

Each tool gets what it can use: torchtest2 the first batch, the loss function and the optimizer;
torch-audit the program's own loop, or the usual five lines, for twelve batches. A failed check or
an error is a fault, a warning is a question. Programs of the tests have no words: there only
"flagged" is counted. Ours were fixed with half of these programs at hand; see CHANGELOG.
"""

import contextlib
import importlib.util
import io
import multiprocessing
import re
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch

from labkit.doctor import examine
from labkit.training import train_step

SECONDS, BATCHES = 60, 12

Said = list[tuple[str, str]]
"""Severity ("fault" or "question") and text of each finding."""


@dataclass
class Program:
    """One program: how it is made, whether it is faulty, and what a finding has to say."""

    name: str
    make: Callable[[], dict]
    faulty: bool
    words: str = ""
    kind: str = ""


def labkit_doctor(parts: dict) -> Said:
    report = examine(**parts)
    return [(finding.severity, f"{finding.kind} {finding}") for finding in report]


def torchtest2(parts: dict) -> Said:
    from torchtest2 import check_model  # ty: ignore[import-not-found]

    batch = next(iter(parts["train_batches"]))
    images, targets = (
        batch if isinstance(batch, (list, tuple)) and len(batch) == 2 else (batch, None)
    )
    loss = parts.get("loss_function") or torch.nn.functional.cross_entropy
    options = {"loss_fn": loss, "optimizer": parts.get("optimizer")}
    report = check_model(parts["model"], images, targets, **options)
    severity = {"FAIL": "fault", "WARN": "question"}
    return [
        (severity[r.status.value], f"{r.name} {r.message}")
        for r in report.results
        if r.status.value in severity
    ]


def torch_audit(parts: dict) -> Said:
    from torch_audit import autopatch  # ty: ignore[import-not-found]

    model, optimizer = parts["model"], parts.get("optimizer")
    auditor = autopatch(model, optimizer=optimizer, every_n_steps=1, reporters=[])
    loss = parts.get("loss_function") or torch.nn.CrossEntropyLoss()
    batches = list(islice(parts["train_batches"], BATCHES))
    with contextlib.suppress(Exception):  # what was seen before an error counts
        if parts.get("train"):
            try:
                parts["train"](model, batches, loss, optimizer)
            except TypeError:
                parts["train"]()
        else:
            step = parts.get("step") or train_step
            for images, labels in batches:
                step(model, images, labels, loss, optimizer)
    severity = {"ERROR": "fault", "FATAL": "fault", "WARN": "question"}
    return [
        (severity[f.severity.value], f"{f.rule_id} {f.message}")
        for f in auditor.finish().findings
        if f.severity.value in severity
    ]


TOOLS = {"labkit": labkit_doctor, "torchtest2": torchtest2, "torch_audit": torch_audit}


def programs_of_the_tests() -> list[Program]:
    """Return the tests' faulty programs, their twins, and the correct ones that are unusual."""
    from tests.doctor.test_correct import UNUSUAL
    from tests.doctor.test_faults import FAULTS

    rows = {f"{kind} {n}": pair for n, (kind, *pair) in enumerate(FAULTS)}
    return [
        *(Program(name, pair[n], n == 0) for name, pair in rows.items() for n in (0, 1)),
        *(Program(make.__name__, make, False) for make in UNUSUAL),
    ]


def programs_of(folder: Path) -> list[Program]:
    """Return the programs of a folder."""
    sys.path.insert(0, str(folder))
    found = []
    for path in sorted(folder.glob("*/*.py")):
        if path.parent.name not in ("faulty", "correct"):
            continue
        meta = re.search(r'words=r?"(.*?)",', path.read_text())
        kind = re.search(r'kind="(.*?)",', path.read_text())
        faulty, name = path.parent.name == "faulty", path.stem
        words, kind = (m[1] if m else "" for m in (meta, kind))
        found.append(Program(name, lambda p=path: _loaded(p).setup(), faulty, words, kind))
        if faulty:
            found.append(Program(name, lambda p=path: _loaded(p).setup(mend=True), False))
    return found


def _loaded(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def said_by(tool: str, program: Program) -> Said | None:
    """Return what a tool says of a program, in a process of its own; None where it breaks."""
    context = multiprocessing.get_context("fork")
    here, there = context.Pipe(duplex=False)

    def work() -> None:
        torch.set_num_threads(1)
        torch.manual_seed(0)
        quiet = io.StringIO()
        with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    there.send(TOOLS[tool](program.make()))
                except Exception:  # noqa: BLE001  whatever another tool raises, it has not said anything
                    there.send(None)

    child = context.Process(target=work)
    child.start()
    there.close()
    try:
        return here.recv() if here.poll(SECONDS) else None
    except EOFError:
        return None
    finally:
        child.kill()
        child.join()


def row(tool: str, programs: list[Program]) -> list[str]:
    """Return the numbers of one tool as text."""
    named = asked = flagged = accused = doubted = broken = 0
    kinds, faulty = set(), [program for program in programs if program.faulty]
    for program in programs:
        said = said_by(tool, program)
        broken += said is None
        faults = [text for severity, text in said or [] if severity == "fault"]
        questions = [text for severity, text in said or [] if severity == "question"]
        if not program.faulty:
            accused += bool(faults)
            doubted += bool(questions and not faults)
            continue
        flagged += bool(faults or questions)
        if program.words:
            by_fault, by_any = (
                any(re.search(program.words, text, re.IGNORECASE) for text in texts)
                for texts in (faults, faults + questions)
            )
            named, asked = named + by_fault, asked + (by_any and not by_fault)
            kinds |= {program.kind} if by_any else set()
    right, words = len(programs) - len(faulty), any(program.words for program in faulty)
    recall = f"{named + asked} ({named} as a fault)" if words else "-"
    precision = (named + asked) / max(named + asked + accused, 1)
    return [
        *(tool, f"{flagged} of {len(faulty)}", recall, str(len(kinds)) if words else "-"),
        *(f"{accused} of {right}", str(doubted), f"{precision:.0%}" if words else "-", str(broken)),
    ]


def main() -> None:
    """Print a table for the programs of the tests, and one for those of each folder."""
    missing = [t for t in TOOLS if t != "labkit" and not importlib.util.find_spec(t)]
    for tool in missing:
        print(f"{tool} is not installed: left out.")
    sets = {"the tests' programs": programs_of_the_tests()}
    sets |= {Path(folder).name: programs_of(Path(folder).resolve()) for folder in sys.argv[1:]}
    head = ["tool", "flagged", "named", "kinds", "accused", "asked", "precision", "broke"]
    for name, programs in sets.items():
        print(f"\n{name}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
        for tool in TOOLS:
            if tool not in missing:
                print(f"| {' | '.join(row(tool, programs))} |", flush=True)


if __name__ == "__main__":
    main()
