"""What the doctor says: findings in words, gathered in a report."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from labkit.display import BLUE, ORANGE, Html, card, escaped
from labkit.text import _, ngettext


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong (a fault), or that only you can judge (a question).

    ``kind`` is its key in the catalogue: the same in every language.
    """

    kind: str
    what: str
    where: str
    why: str
    fix: str
    severity: Literal["fault", "question"] = "fault"

    @property
    def mend(self) -> str:
        """The same as ``fix``, by the name that scripts outside of this package use."""
        return self.fix

    def __str__(self) -> str:
        heading = _("Fault") if self.severity == "fault" else _("Question")
        return "\n".join(
            [f"{heading}: {self.what}", *(f"  {name} {text}" for name, text in self.rest())]
        )

    def rest(self) -> list[tuple[str, str]]:
        """Return where, why and fix, each with its label."""
        return [
            (_("Where:"), self.where),
            (_("Why it matters:"), self.why),
            (_("How to fix it:"), self.fix),
        ]


@dataclass(frozen=True)
class Report:
    """The findings of one examination, faults first; what was looked at, and what was not."""

    findings: tuple[Finding, ...]
    looked_at: tuple[str, ...]
    not_looked_at: tuple[str, ...]

    @property
    def faults(self) -> tuple[Finding, ...]:
        """Return the findings that are wrong for certain."""
        return tuple(finding for finding in self.findings if finding.severity == "fault")

    @property
    def questions(self) -> tuple[Finding, ...]:
        """Return the findings that may be on purpose."""
        return tuple(finding for finding in self.findings if finding.severity == "question")

    @property
    def kinds(self) -> tuple[str, ...]:
        """Return the name of each finding."""
        return tuple(finding.kind for finding in self.findings)

    def __iter__(self) -> Iterator[Finding]:
        return iter(self.findings)

    def __len__(self) -> int:
        return len(self.findings)

    def __str__(self) -> str:
        parts = [self._heading(), *map(str, self.findings), *self._scope()]
        return "\n\n".join(parts)

    def _repr_html_(self) -> str:
        heading = Html(f"<strong>{escaped(self._heading())}</strong>")
        return card(heading, *map(_card, self.findings), *self._scope())

    def _heading(self) -> str:
        faults, questions = len(self.faults), len(self.questions)
        if not self.findings:
            return _("The doctor found nothing wrong.")
        found = ngettext("{n} fault", "{n} faults", faults).format(n=faults)
        asked = ngettext("{n} question", "{n} questions", questions).format(n=questions)
        if not questions:
            return _("The doctor found {faults}.").format(faults=found)
        if not faults:
            return _("The doctor found no fault, and has {questions}.").format(questions=asked)
        return _("The doctor found {faults}, and has {questions}.").format(
            faults=found, questions=asked
        )

    def _scope(self) -> list[str]:
        scope = []
        if self.looked_at:
            scope.append(_("Looked at: {things}.").format(things=_("; ").join(self.looked_at)))
        if self.not_looked_at:
            things = _("; ").join(self.not_looked_at)
            scope.append(_("Not looked at: {things}.").format(things=things))
        return scope


def _card(finding: Finding) -> Html:
    heading = _("Fault") if finding.severity == "fault" else _("Question")
    title = Html(f"<strong>{escaped(f'{heading}: {finding.what}')}</strong>")
    rest = (Html(f"<em>{escaped(name)}</em> {escaped(text)}") for name, text in finding.rest())
    edge = ORANGE if finding.severity == "fault" else BLUE
    return card(title, *rest, edge=edge, role="group")
