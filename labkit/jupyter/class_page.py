"""The class at a glance: a live page for the instructor, made from the folder of the class.

``python -m labkit.jupyter.class_page FOLDER`` makes that folder: everybody may add to it, and only
the one who made it may look into it. With ``LABKIT_CLASS=FOLDER`` in everybody's environment, the
page is at ``labkit/class`` on the instructor's own Jupyter server. Nothing leaves the machine.
"""

import os
import re
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

from jupyter_server.base.handlers import JupyterHandler
from tornado import web

from labkit import classroom
from labkit.classroom import TITLES, Event, titled
from labkit.display import escaped, table
from labkit.text import N_, _, language, ngettext

SECONDS = 10
AWAY = 20
"""Minutes without a sign after which a learner no longer counts as being in a notebook."""


_VALUE = re.compile(r"\{\w+(:[^}]*)?\}")
"""What stands in a sentence for the values of one answer."""

_REFUSED = N_(
    "{file} cannot be read, so one learner is missing here. Give the file and "
    "the folder a group that you belong to (chgrp): new files get the group of the folder."
)


def page(learners: list[list[Event]], refused: list[str], now: datetime) -> str:
    """Return the page, which loads itself again every ``SECONDS`` seconds.

    learners, refused: what `classroom.read` returns
    now: with a time zone
    """
    n = len(learners)
    heading = ngettext("The class: {n} learner", "The class: {n} learners", n).format(n=n)
    parts = [_where(learners, now), _exercises(learners)]
    if any(events[-1].who for events in learners):
        parts.append(_names(learners, now))
    parts += [f"<p>{escaped(_(_REFUSED).format(file=name))}</p>" for name in refused]
    style = ":root{color-scheme:light dark;font:18px sans-serif;margin:2em}table{margin:1.5em 0}"
    return (
        f'<!doctype html><html lang="{language().replace("_", "-")}"><meta charset="utf-8">'
        f"<title>{heading}</title>"
        f'<meta http-equiv="refresh" content="{SECONDS}"><style>{style}</style>'
        f"<main><h1>{heading}</h1>{''.join(parts)}</main></html>"
    )


def _minutes(event: Event, now: datetime) -> int:
    return int((now - datetime.fromisoformat(event.at)).total_seconds() // 60)


def _where(learners: list[list[Event]], now: datetime) -> str:
    here = [events[-1].notebook for events in learners if _minutes(events[-1], now) < AWAY]
    seen = dict.fromkeys(event.notebook for events in learners for event in events)
    order = sorted(seen, key=[*TITLES, *seen].index)
    rows = [(titled(name, _), str(here.count(name)), "▮" * here.count(name)) for name in order]
    rows.append((_("no sign for {n} minutes").format(n=AWAY), str(len(learners) - len(here)), ""))
    columns = (_("notebook"), _("learners"), "")
    return table(columns, rows, caption=_("Who is where"), right=(1,), row_heads=True)


def _exercises(learners: list[list[Event]]) -> str:
    """Return the exercises; the one on which most learners are stuck comes first."""
    tried = {(e.notebook, e.exercise) for events in learners for e in events if e.exercise}
    rows = []
    for notebook, exercise in tried:
        stuck, solved, mistakes = 0, 0, Counter()
        for events in learners:
            tries = [e for e in events if (e.notebook, e.exercise) == (notebook, exercise)]
            done = any(e.solved for e in tries)
            solved += done
            stuck += bool(tries) and not done
            mistakes.update({(e.mistake, e.said) for e in tries if e.mistake})
        worst = [
            f"{_VALUE.sub('…', _(said)) if said else name} ({count})"
            for (name, said), count in mistakes.most_common(1)
        ]
        rows.append((titled(notebook, _), exercise, stuck, solved, *(worst or [""])))
    rows.sort(key=lambda row: (-row[2], row[0], row[1]))
    columns = (
        *(_("notebook"), _("exercise"), _("tried, not solved")),
        *(_("solved"), _("commonest mistake (learners)")),
    )
    cells = [[str(cell) for cell in row] for row in rows]
    return table(columns, cells, caption=_("What stops the room"), right=(2, 3), wrapped=(4,))


def _names(learners: list[list[Event]], now: datetime) -> str:
    rows = []
    for events in sorted(learners, key=lambda events: events[-1].at):
        solved = {(e.notebook, e.exercise) for e in events if e.solved}
        minutes = str(_minutes(events[-1], now))
        who = events[-1].who or "–"  # whose server is older than the setting
        rows.append((who, titled(events[-1].notebook, _), str(len(solved)), minutes))
    columns = (_("learner"), _("notebook"), _("solved"), _("minutes since the last sign"))
    return table(columns, rows, caption=_("Each learner"), right=(2, 3), row_heads=True)


def answer(folder: str) -> str:
    """Return the page of the class in a folder, or a sentence that says why there is none."""
    if not folder or not Path(folder).is_dir():
        return _("There is no class here: LABKIT_CLASS names no folder.")
    if not os.access(folder, os.R_OK | os.X_OK):
        return _("This page is for the instructor: only they can read the class's folder.")
    return page(*classroom.read(Path(folder)), datetime.now(UTC))


class ClassPage(JupyterHandler):
    """Serves the page to whoever may read the folder of the class."""

    @web.authenticated
    def get(self):
        """Answer with the page, or with what stands in its place."""
        self.finish(answer(os.environ.get("LABKIT_CLASS", "")))


def main(folder: str) -> None:
    """Make the folder of a class: its owner reads, everybody else may only add files."""
    place = Path(folder).absolute()
    place.mkdir(parents=True, exist_ok=True)
    place.chmod(0o3733)  # sticky, and files get this folder's group
    print(f"Set LABKIT_CLASS={place} for all learners and for yourself. On a hub, the page is at")
    print("https://HUB/user/YOU/labkit/class, on your own machine at localhost:8888/labkit/class")
    print("(8889 where 8888 is taken: the number is in the address of your JupyterLab).")


if __name__ == "__main__":
    main(*sys.argv[1:])
