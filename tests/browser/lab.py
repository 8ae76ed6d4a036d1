"""JupyterLab in a real browser: start the server, open a notebook, run it, read its errors.

The flags and the waiting are those that held in 200 of 200 runs on a busy machine.
"""

import getpass
import io
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

import nbformat
import numpy as np
import pytest
from filelock import FileLock
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[2]
PATIENCE = 180_000
"""Milliseconds; a busy machine takes up to 90 s to start a kernel that imports torch."""

BROWSER_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
SETTINGS = {
    "@jupyterlab/apputils-extension:notification": {
        "fetchNews": "false",
        "checkForUpdates": False,
        "doNotDisturbMode": True,
    },
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}

_WHEN_READY = """async () => {
  const app = window.jupyterapp;
  await app.restored;
  let panel = null;
  while (!panel?.context) {
    panel = app.shell.currentWidget;
    await new Promise(next => setTimeout(next, 100));
  }
  await panel.context.ready;
  await panel.sessionContext.ready;
  const kernel = () => panel.sessionContext.session?.kernel;
  while (kernel()?.status !== 'idle' || kernel()?.connectionStatus !== 'connected')
    await new Promise(next => setTimeout(next, 100));
}"""

_RUN = """async text => {
  const { content } = window.jupyterapp.shell.currentWidget;
  const last = content.widgets.findLastIndex(cell => cell.model.sharedModel.source.includes(text));
  content.activeCellIndex = last + 1;
  const command = last + 1 < content.widgets.length ? 'run-all-above' : 'run-all-cells';
  await window.jupyterapp.commands.execute(`notebook:${command}`);
  const kernel = () => window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel;
  while (kernel()?.status !== 'idle') await new Promise(next => setTimeout(next, 100));
}"""

_SHUT_DOWN = """async wait => {
  const panel = () => window.jupyterapp.shell.currentWidget; // none yet in a page just reloaded
  while (!panel()?.sessionContext) await new Promise(next => setTimeout(next, 100));
  const ended = panel().sessionContext.shutdown();
  await (wait ? ended : Promise.race([ended, new Promise(sent => setTimeout(sent, 100))]));
}"""

_ERRORS = """() => window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells
  .flatMap(cell => (cell.toJSON().outputs ?? []).filter(o => o.output_type === 'error'))
  .map(error => `${error.ename}: ${error.evalue}`)"""


_CONTROLS = """explorer => [...explorer.querySelectorAll('button, input, select, [tabindex="0"]')]
  .filter(each => !each.disabled && each.checkVisibility() && each.tabIndex >= 0)"""

_WATCH_FOCUS = f"""explorer => {{
  explorer.ringed = new Set();
  explorer.addEventListener('focusin', ({{ target }}) => {{
    const {{ outlineStyle, outlineWidth }} = getComputedStyle(target);
    if (outlineStyle === 'solid' && parseFloat(outlineWidth) >= 2) explorer.ringed.add(target);
  }});
  window.walked = explorer;
  window.stays ??= (event) => {{
    if (walked.contains(document.activeElement)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }};
  window.addEventListener('keydown', stays, true);
  document.activeElement.blur();
  ({_CONTROLS})(explorer)[0].focus({{ focusVisible: true }});
}}"""

_NOT_RINGED = f"""explorer => {{
  window.removeEventListener('keydown', stays, true);
  return ({_CONTROLS})(explorer).filter(each => !explorer.ringed.has(each))
    .map(each => each.outerHTML.slice(0, 200));
}}"""

_PIXEL = """async (shown, [row, column]) => {
  const [image, canvas] = [new Image(), document.createElement('canvas')];
  image.src = shown.src ?? shown.toDataURL?.() ?? shown.style.backgroundImage.slice(5, -2);
  await image.decode();
  const context = canvas.getContext('2d');
  context.drawImage(image, -column, -row);
  return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
}"""

_CUT_OFF = """root => [root, ...root.querySelectorAll('*')].flatMap(each => {
  const output = each.closest('.jp-OutputArea-output');
  const { width, left, right } = each.getBoundingClientRect();
  const style = getComputedStyle(each);
  const unseen = style.clip !== 'auto' || style.clipPath !== 'none'; // for screen readers alone
  if (!output || !width || unseen || !each.checkVisibility({ visibilityProperty: true })) return [];
  const room = output.getBoundingClientRect();
  const own = [...each.childNodes].some(node => node.nodeType === 3 && node.data.trim());
  const found = [];
  if (right > room.right + 1 || left < room.left - 1) found.push('reaches outside');
  if (style.overflow !== 'visible' && !/INPUT|TEXTAREA|SELECT/.test(each.tagName)) {
    if (each.scrollWidth > each.clientWidth + 1) found.push('is cut off');
    if (/auto|scroll/.test(style.overflowY) && each.scrollHeight > each.clientHeight + 1)
      found.push('scrolls');
  }
  if (own && parseFloat(style.fontSize) < 11) found.push(`has letters of ${style.fontSize}`);
  return found.map(what => `${each.outerHTML.slice(0, 160)} ${what}`);
})"""


_JUDGE = """async () => {
  const { violations } = await axe.run('.lk-explorer:not(.lk-explorer *)', { preload: false });
  const said = ({ id, nodes }) => nodes.map(({ html }) => `${id} ${html.slice(0, 160)}`);
  return violations.flatMap(said);
}"""

AXE = resources.files("axe_playwright_python") / "axe.min.js"


def find_browser() -> str | None:
    """Return the path of a Chromium or Chrome: of this system, or one that Playwright fetched."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    fetched = Path.home().glob(".cache/ms-playwright/chromium-*/chrome-linux*/chrome")
    return next(filter(None, [*map(shutil.which, names), *map(str, fetched)]), None)


def launch(playwright):
    """Return a browser as learners have it: with scroll bars, which take their room."""
    options = {"args": BROWSER_FLAGS, "ignore_default_args": ["--hide-scrollbars"]}
    return playwright.chromium.launch(executable_path=find_browser(), **options)


def obtain_browser() -> str | None:
    """Return a browser, fetched by Playwright or by Debian's packages where there is none."""
    with FileLock(Path(tempfile.gettempdir()) / f"labkit-browser-{getpass.getuser()}.lock"):
        return find_browser() or _fetch_browser()


def _fetch_browser() -> str | None:
    ways = [[[sys.executable, "-m", "playwright", "install", "chromium"]]]
    if shutil.which("apt-get") and os.geteuid() == 0:
        ways.append([["apt-get", "update"], ["apt-get", "install", "--yes", "chromium"]])
    for commands in ways:
        if all(_succeeds(command) for command in commands) and (path := find_browser()):
            return path
    return None


def _succeeds(command: list[str]) -> bool:
    try:
        subprocess.run(command, check=True, timeout=300, stdout=subprocess.DEVNULL)
    except (OSError, subprocess.SubprocessError):
        return False
    return True


@contextmanager
def jupyterlab(
    home: Path,
    theme: str = "JupyterLab Light",
    root: Path = ROOT,
    windowing: str = "none",
    base: str = "",
    **environment: str,
):
    """Start a JupyterLab over ``root`` with settings of its own; yield (url, token).

    ``windowing`` says what becomes of cells that are scrolled away; learners have
    "contentVisibility", in which they are not drawn. ``base`` is what addresses begin with, on a
    hub /user/ada. ``environment`` are variables for the server and its kernels.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": port,
        "ServerApp.port_retries": 0,
        "ServerApp.base_url": f"{base}/",
        "IdentityProvider.token": token,
        "ServerApp.root_dir": root,
        "ServerApp.terminals_enabled": False,
        "ServerApp.kernel_websocket_connection_class": "labkit.jupyter.server.PromptConnection",
        "ServerApp.tornado_settings": {"static_custom_path": ["labkit/jupyter/custom"]},
        "LabApp.custom_css": True,
        "LabApp.news_url": None,
        "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        "LabApp.extension_manager": "readonly",
        "LabApp.expose_app_in_browser": True,
    }
    command += [f"--{name}={value}" for name, value in options.items()]
    with (home / "server.log").open("w") as log:
        variables = _private_folders(home, theme, windowing) | environment
        server = subprocess.Popen(command, stdout=log, stderr=log, env=variables, cwd=ROOT)
        try:
            url = f"http://127.0.0.1:{port}{base}"
            _wait_for(f"{url}/api/status?token={token}", server, home / "server.log")
            yield url, token
        finally:
            server.terminate()
            server.wait(30)


def _private_folders(home: Path, theme: str, windowing: str) -> dict[str, str]:
    names = ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR")
    folders = {f"JUPYTER_{name}": home / name.lower() for name in names}
    folders |= {
        "IPYTHONDIR": home / "ipython",
        "JUPYTERLAB_SETTINGS_DIR": home / "settings",
        "JUPYTERLAB_WORKSPACES_DIR": home / "workspaces",
    }
    overrides = home / "config_dir" / "labconfig"
    overrides.mkdir(parents=True, exist_ok=True)
    settings = SETTINGS | {
        "@jupyterlab/apputils-extension:themes": {"theme": theme},
        "@jupyterlab/notebook-extension:tracker": {"windowingMode": windowing},
    }
    (overrides / "default_setting_overrides.json").write_text(json.dumps(settings))
    return os.environ | {name: str(path) for name, path in folders.items()}


def _wait_for(url: str, server: subprocess.Popen, log: Path) -> None:
    for _ in range(PATIENCE // 200):
        if server.poll() is not None:
            raise RuntimeError(f"JupyterLab ended at once:\n{log.read_text()}")
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"JupyterLab did not answer:\n{log.read_text()}")


def write_notebook(path: Path, *sources: str) -> None:
    """Write a notebook with a code cell for each of ``sources``."""
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in sources])
    made.metadata.kernelspec = {
        "name": "python3",
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
    }
    nbformat.write(made, path)


class Notebook:
    """One notebook, open in the browser, its kernel ready; ``problems`` gathers what goes wrong."""

    def __init__(self, page, url: str, token: str, path: str):
        """Open ``path`` (in the repository) beside the file browser, and wait for its kernel."""
        self.page = page
        self.problems: list[str] = []
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: self.problems.append(f"page error: {error}"))
        page.on("console", self._hear)
        page.goto(f"{url}/lab/workspaces/auto-{secrets.token_hex(4)}/tree/{path}?token={token}")
        page.wait_for_function("window.jupyterapp !== undefined")
        page.evaluate(_WHEN_READY)

    def _hear(self, message) -> None:
        ours = ("labkit", "anywidget", "Error setting state")  # what a widget's own code raised
        if message.type == "error" and any(word in message.text for word in ours):
            self.problems.append(f"console: {message.text}")

    def run_all(self, down_to: str = "") -> None:
        """Run every cell, or those down to the last with this text; wait until all are done."""
        self.page.evaluate(_RUN, down_to)

    def shut_down(self, wait: bool = True) -> None:
        """End the kernel, which takes three seconds; without ``wait``, only ask for it."""
        self.page.evaluate(_SHUT_DOWN, wait)

    def errors(self) -> list[str]:
        """Return the error outputs of all cells, and what the page complained of."""
        return self.page.evaluate(_ERRORS) + self.problems


@contextmanager
def in_jupyterlab(*cells: str, windowing: str = "none", height: int = 720):
    """Open a notebook of these cells in a browser and a JupyterLab of its own; yield it."""
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        root = Path(home, "lab")
        root.mkdir()
        write_notebook(root / "shown.ipynb", *cells)
        with jupyterlab(Path(home), root=root, windowing=windowing) as address:
            with launch(playwright) as browser:
                page = browser.new_page(viewport={"width": 1280, "height": height})
                yield Notebook(page, *address, "shown.ipynb")


ROLES = {"button", "checkbox", "combobox", "slider", "spinbutton", "tab", "textbox"}


def unspoken(page) -> list[str]:
    """Return what a screen reader could not say of the explorers: no name, no value, no sentence.

    Names and roles are those of Chromium's accessibility tree, which leaves ``aria-valuetext`` to
    the system's; a picture's name must be a sentence that is also shown.
    """
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    found = session.send("DOM.querySelectorAll", {"nodeId": root, "selector": ".lk-explorer"})
    shown = [text.split() for text in page.locator(".lk-explorer").all_inner_texts()]
    problems = []
    for number, text in zip(found["nodeIds"], shown, strict=True):
        for node in session.send("Accessibility.queryAXTree", {"nodeId": number})["nodes"]:
            role, name = (node.get(key, {}).get("value", "") for key in ("role", "name"))
            heard = " ".join(name.split())
            if node["ignored"] or role not in ROLES | {"application", "image", "Canvas"}:
                continue
            if not heard:
                problems.append(f"{role} without a name")
            elif role not in ROLES and heard not in " ".join(text):
                problems.append(f"{role} says what nobody sees: {heard}")
            elif role == "slider" and not _attributes(session, node).get("aria-valuetext"):
                problems.append(f"slider {heard} without a value")
    session.detach()
    return problems


def _attributes(session, node: dict) -> dict[str, str]:
    asked = {"backendNodeId": node["backendDOMNodeId"]}
    flat = session.send("DOM.describeNode", asked)["node"]["attributes"]
    return dict(zip(flat[::2], flat[1::2], strict=True))


def unreached(explorer) -> list[str]:
    """Go through an explorer by Tab; return the controls not met, or met without a focus ring."""
    explorer.evaluate(_WATCH_FOCUS)
    for _ten in range(20):  # a control that keeps the focus must not keep the test
        if not explorer.evaluate("explorer => explorer.contains(document.activeElement)"):
            break
        for _stop in range(10):
            explorer.page.keyboard.press("Tab")
    return explorer.evaluate(_NOT_RINGED)


def cut_off(root) -> list[str]:
    """Return what of the outputs inside ``root`` nobody sees whole, or only with a glass.

    That is what reaches out of its output, is cut, or hides behind a scroll bar; and letters of
    less than 11 pixels. Letters in an image are not seen.
    """
    return root.evaluate(_CUT_OFF)


def judged(page) -> list[str]:
    """Return what axe-core finds wrong with the explorers of a page; colours see `pale`."""
    page.evaluate(AXE.read_text("utf-8"))
    return page.evaluate(_JUDGE)


def unusable(page, height: int = 620) -> list[str]:
    """Return what keeps anybody from using the explorers of a page: by ear, by Tab, at a glance."""
    problems = unspoken(page) + judged(page)
    for explorer in page.locator(".lk-explorer:not(.lk-explorer *)").all():
        problems += unreached(explorer)
        box = explorer.bounding_box()
        if box["height"] >= height:
            problems.append("larger than a screen: {width} x {height}".format(**box))
    return problems


def painted(canvas, place: tuple[int, int], colour, within: int = 0) -> None:
    """Wait until a pixel of an image, canvas or background, row and column, has its colour."""
    for _attempt in range(600):
        found = canvas.evaluate(_PIXEL, list(place))
        if found == pytest.approx(list(colour), abs=within):
            return
        canvas.page.wait_for_timeout(100)
    raise AssertionError(f"{found} is not {colour}")


def encoded(image: Image.Image | np.ndarray, kind: str = "PNG", **options) -> bytes:
    """Return an image as the bytes of a file."""
    buffer = io.BytesIO()
    image = image if isinstance(image, Image.Image) else Image.fromarray(image)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def upload(explorer, file, *, by_key: bool = False) -> None:
    """Choose a file with an explorer's button, by mouse or by Enter."""
    button = explorer.get_by_role("button", name="Your own")
    with explorer.page.expect_file_chooser() as chooser:
        button.press("Enter") if by_key else button.click()
    chooser.value.set_files(file)


def drag(slider, share: float) -> None:
    """Drag a slider by the mouse, fast, from its left end and past ``share`` back to it."""
    slider.scroll_into_view_if_needed()
    box, mouse = slider.bounding_box(), slider.page.mouse
    across = [x / 20 for x in range(21)] + [share]
    mouse.move(box["x"] + 2, box["y"] + box["height"] / 2)
    mouse.down()
    for part in across:
        mouse.move(box["x"] + 8 + part * (box["width"] - 16), box["y"] + box["height"] / 2)
    mouse.up()
