"""A stage in a page of its own, as any site could show it: no Jupyter, no kernel."""

import base64
import json

import pytest

_PAGE = """<!doctype html><html lang="en"><style>{css}</style><body data-jp-theme-light="{light}">
<div class="lk-explorer" style="width: {width}px"><div id="stage"></div></div>
<script>
const revived = (_key, value) =>
  value?.bytes === undefined
    ? value
    : new DataView(Uint8Array.from(atob(value.bytes), (c) => c.charCodeAt(0)).buffer);
const model = {{
  state: null,
  listeners: [],
  get: (name) => model.state[name],
  set(name, value) {{
    model.state[name] = value;
    for (const [events, listener] of model.listeners)
      if (["change", `change:${{name}}`].some((one) => events.split(" ").includes(one))) listener();
  }},
  save_changes() {{}},
  on: (events, listener) => model.listeners.push([events, listener]),
  off() {{}},
}};
</script></body></html>"""


class Alone:
    """One widget of an explorer in a page; ``page`` is Playwright's, ``stage`` its element.

    ``problems`` is what went wrong in the page. It may have shown another widget before.
    """

    def __init__(self, page, widget, width: int = 833, light: bool = True):
        self.page, self.problems = page, []
        page.on("pageerror", self._hear)
        page.goto("about:blank")
        page.set_viewport_size({"width": width, "height": 720})
        page.mouse.move(0, 0)
        self.page.set_content(_PAGE.format(css=widget._css, width=width, light=json.dumps(light)))
        state = {name: value for name, value in widget.get_state().items() if name[0] != "_"}
        self.page.evaluate(
            "text => { model.state = JSON.parse(text, revived) }", json.dumps(state, default=_coded)
        )
        script = widget._esm.replace("export default { render };", "")
        self.page.add_script_tag(content=script)
        self.page.evaluate("render({ model, el: document.querySelector('#stage') })")
        self.stage = self.page.locator("#stage")

    def _hear(self, error) -> None:
        self.problems.append(str(error))

    def leave(self) -> None:
        """Leave the page to the next; what went wrong fails the test."""
        self.page.remove_listener("pageerror", self._hear)
        assert self.problems == []

    def set(self, **settings) -> None:
        """Move controls as a cell does."""
        self.page.evaluate(
            "news => model.set('settings', { ...model.get('settings'), ...news })", settings
        )

    def settings(self, name: str):
        """Return where a control stands."""
        return self.page.evaluate("name => model.get('settings')[name]", name)

    def says(self) -> str:
        """Return the sentence that a screen reader speaks."""
        return self.stage.locator("[role=status]").inner_text()


def _coded(value) -> dict[str, str]:
    return {"bytes": base64.b64encode(value).decode()}


@pytest.fixture(scope="session")
def pages(browser):
    """Pages for ``alone``: to open one takes longer than most of its tests."""
    return []


@pytest.fixture
def alone(browser, pages):
    """Return a function that shows a widget in a page; what went wrong there fails the test."""
    shown = []

    def show(widget, **options) -> Alone:
        if len(shown) == len(pages):
            pages.append(browser.new_page())
        shown.append(Alone(pages[len(shown)], widget, **options))
        return shown[-1]

    yield show
    for one in shown:
        one.leave()
