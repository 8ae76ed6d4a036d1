"""From a notebook that was run to a page: stills and living explorers in place of dead widgets."""

import html
import json
import re
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from labkit.text import _

VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
ALIVE = "application/vnd.labkit.alive+json"
"""How `alive.py` tells what each explorer needs: which arithmetic answers it, its parts, data."""


@dataclass
class Fronts:
    """The browser's halves of all widgets, each once.

    A page that is opened from a folder imports no module, so each becomes a plain script.
    """

    scripts: dict[str, str] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)

    def add(self, module: str) -> str:
        """Keep an anywidget module; return the name under which the host finds it."""
        name = sha256(module.encode()).hexdigest()[:12]
        body, found = re.subn(
            r"^export default \{ render \};", "return { render };", module, flags=re.M
        )
        if found != 1:
            raise ValueError('A widget\'s module ends with "export default { render };".')
        self.scripts[name] = f'labkitSite.fronts["{name}"] = (() => {{\n{body}\n}})();\n'
        return name

    def write(self, folder: Path) -> None:
        """Write one file for each script."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, script in self.scripts.items():
            (folder / f"{name}.js").write_text(script, encoding="utf-8")


def to_page(notebook, fronts: Fronts) -> None:
    """Change a notebook in place: what Sphinx can show, and nothing that asks for a kernel."""
    name = notebook.metadata["labkit"]["name"]
    fronts.places.clear()  # their numbers begin anew on each page
    states = notebook.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    notebook.metadata.pop("widgets", None)
    alive = notebook.metadata["labkit"].get("alive", {})
    notebook.cells = [cell for cell in notebook.cells if not _only_guards(cell)]
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = re.sub(r"\]\((\.\./)+images/", "](images/", cell.source)
            cell.source = re.sub(r"\[English\]\(.*\n\n", "", cell.source)  # the sidebar leads on
        outputs = []
        if "predict" in cell.metadata.get("tags", []):
            cell.metadata["tags"].append("remove-input")  # the answer; the output folds it
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if VIEW in data:
                still = data.get("text/html") or _left_before(outputs)
                shown = _widget(data, still, states, alive, fronts)
                data.clear()
                data["text/html"] = shown
            outputs.append(output)
        if outputs:
            cell.outputs = outputs
    notebook.cells[0].source += f"\n\n{_about(name)}"


def _only_guards(cell) -> bool:
    return "check" in cell.metadata.get("tags", []) and not cell.get("outputs")


def _about(name: str) -> str:
    run = _("This page shows what the cells print with drawn images.")
    link = _("Download the notebook")
    return f'<p class="lk-about">{run} <a href="notebooks/{name}.ipynb" download>{link}</a></p>'


def _left_before(outputs: list) -> str:
    """Return the still that an explorer left in the output before it, and take that away."""
    text = outputs[-1].get("data", {}).get("text/html", "") if outputs else ""
    found = re.search(r'<div class="lk-still">(.*?)(<p class="lk-still-hint">|</div>$)', text, re.S)
    if found:
        outputs.pop()
    return found[1] if found else ""


def _widget(data: dict, still: str, states: dict, alive: dict, fronts: Fronts) -> str:
    """Return HTML for a widget: alive where its arithmetic is here, else as it was left."""
    root = data[VIEW]["model_id"]
    needed = alive.get(root, {})
    still = needed.get("still", still)
    if "kind" in needed:
        return _alive(root, still, needed, states, fronts)
    if bar := _bar(root, states):
        return bar
    if still:
        note = f'<p class="lk-note">{_("To move it, run this notebook.")}</p>'
        return f'<div class="lk-still">{still}{note if "<img" in still else ""}</div>'
    return f"<p>{html.escape(data.get('text/plain', ''))}</p>"


def _children(model: dict) -> list[str]:
    named = [*model["state"].get("children", []), model["state"].get("layout") or ""]
    return [one.removeprefix("IPY_MODEL_") for one in named if one.startswith("IPY_MODEL_")]


def _family(root: str, states: dict) -> list[str]:
    """Return a widget and all in it."""
    found = [root]
    for one in found:
        found += [child for child in _children(states[one]) if child not in found]
    return found


def _bar(root: str, states: dict) -> str:
    """Return a progress bar where it ended; empty where the widget is none."""
    inside = [states[one] for one in _family(root, states)] if root in states else []
    bars = [one["state"] for one in inside if one["model_name"] == "FloatProgressModel"]
    if not bars:
        return ""
    texts = [one["state"].get("value", "") for one in inside if one["model_name"] == "HTMLModel"]
    texts = [html.unescape(text) for text in texts]
    said = " ".join(filter(None, (text.replace(" ", " ").strip() for text in texts)))
    bar = bars[0]
    return (
        f'<div class="lk-bar"><progress max="{bar["max"]:g}" value="{bar["value"]:g}" '
        f'aria-label="{html.escape(said)}"></progress> <span>{html.escape(said)}</span></div>'
    )


_KEPT = {"_dom_classes", "_options_labels"}
_DROPPED = {"layout", "style", "tooltip", "comm", "tabbable"}


def _alive(root: str, still: str, needed: dict, states: dict, fronts: Fronts) -> str:
    """Return the still, and under it all that the host needs to put the living one in its place."""
    model = packed(root, needed, states, fronts)
    used = sorted({one["kind"] for one in model["models"].values()} & fronts.scripts.keys())
    scripts = "".join(f'<script src="_static/fronts/{name}.js"></script>' for name in used)
    fronts.places[needed["kind"]] = number = fronts.places.get(needed["kind"], 0) + 1
    place = needed["kind"] if number == 1 else f"{needed['kind']}-{number}"
    inside = json.dumps(model).replace("</", "<\\/")
    return (
        f'<div class="lk-alive" id="{place}"><div class="lk-still">{still}</div></div>{scripts}'
        f'<script type="application/json" class="lk-model" data-place="{place}">{inside}</script>'
    )


def packed(root: str, needed: dict, states: dict, fronts: Fronts) -> dict:
    """Return what ``host.js`` builds an explorer from: its models, and what is ``needed``."""
    models = {}
    for one in _family(root, states):
        model, kind = states[one], states[one]["model_name"].removesuffix("Model")
        state = {k: v for k, v in model["state"].items() if v is not None}
        if module := state.get("_esm"):
            kind = fronts.add(module)
        layout = state.get("layout", "").removeprefix("IPY_MODEL_")
        state = {k: v for k, v in state.items() if k in _KEPT or not (k[0] == "_" or k in _DROPPED)}
        binary = {"/".join(each["path"]): each["data"] for each in model.get("buffers", [])}
        models[one] = {"kind": kind, "state": state, "binary": binary, "layout": layout}
    return {"root": root, "models": models, **needed}


def living(notebook) -> dict[str, str]:
    """Return the HTML of the first living explorer of each kind on a page."""
    texts = [
        output.data["text/html"]
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "text/html" in output.get("data", {})
    ]
    found = [(re.match(r'<div class="lk-alive" id="([a-z]+)"', text), text) for text in texts]
    return {match[1]: text for match, text in found if match}
