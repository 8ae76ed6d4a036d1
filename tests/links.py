"""Every address that a learner may click, and whether it answers: ``python -m tests.links``."""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests

from tests.minutes import NOTEBOOKS, ROOT, read, source

PATIENCE = 15
"""Seconds for one address."""

_ADDRESS = re.compile(r"https?://[^\s)>\"'`]+[^\s)>\"'`.,;:]")
_HERE = re.compile(r"https?://(?:localhost|127\.)")


def texts() -> dict[str, str]:
    """Return what learners and teachers read, by file."""
    pages = [
        ROOT / "README.md",
        *sorted(ROOT.glob("*.md")),
        *sorted(ROOT.glob("notebooks/**/*.md")),
    ]
    found = {str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in pages}
    for path in NOTEBOOKS:
        cells = [source(cell) for cell in read(path) if cell["cell_type"] == "markdown"]
        found[str(path.relative_to(ROOT))] = "\n".join(cells)
    return found


def addresses() -> dict[str, list[str]]:
    """Return each address, with the files it stands in."""
    found: dict[str, list[str]] = {}
    for name, text in texts().items():
        for address in dict.fromkeys(_ADDRESS.findall(text)):
            if not _HERE.match(address):
                found.setdefault(address, []).append(name)
    return found


def connected() -> bool:
    """Say whether there is a network at all."""
    try:
        requests.head("https://docs.pytorch.org", timeout=5)
    except requests.RequestException:
        return False
    return True


def complaint(address: str) -> str:
    """Return why an address does not answer; empty if it does.

    Some hosts refuse programs (401, 403, 429): those exist, and a person can open them.
    """
    browser = {"User-Agent": "Mozilla/5.0 (link check of a course)"}
    try:
        answer = requests.get(address, headers=browser, timeout=PATIENCE, stream=True)
    except requests.RequestException as error:
        return f"{address}: {type(error).__name__}"
    with answer:
        fine = answer.ok or answer.status_code in (401, 403, 429)
        return "" if fine else f"{address}: {answer.status_code}"


def complaints() -> list[str]:
    """Ask all addresses, eight at a time; return what is wrong with each that does not answer."""
    with ThreadPoolExecutor(8) as pool:
        return list(filter(None, pool.map(complaint, addresses())))


def main() -> int:
    """List all addresses; where there is a network, say which do not answer."""
    for address, files in sorted(addresses().items()):
        print(f"{address}  ({', '.join(Path(file).stem for file in files)})")
    if not connected():
        print("No network: nothing was asked.")
        return 0
    wrong = complaints()
    print(*wrong, sep="\n")
    return len(wrong) > 0


if __name__ == "__main__":
    sys.exit(main())
