"""What every notebook's browser tests import: `TestForAnybody`."""

from tests.browser.kernel import settle
from tests.browser.lab import cut_off, unusable

WIDTHS = 1366, 1280
"""Windows of the commonest laptops, with the file browser open beside the notebook."""


class TestForAnybody:
    """All is seen whole, heard and reached by Tab, and no key deletes a cell."""

    def test_every_control_can_be_heard_and_reached_by_tab_and_nothing_scrolls(self, notebook):
        assert unusable(notebook.page, height=600) == []

    def test_nothing_is_cut_off(self, notebook):
        """At each width look at all outputs, then at each tab of the explorers that have tabs."""
        page, problems = notebook.page, []
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 720})
            page.wait_for_timeout(300)
            problems += [f"{width}: {problem}" for problem in cut_off(page.locator("body"))]
        explorers = page.locator(".lk-explorer:not(.lk-explorer *)")
        for explorer in explorers.filter(has=page.get_by_role("tab")).all():
            first, *others = explorer.get_by_role("tab").all()
            for tab in (*others, first):
                tab.click()
                settle(notebook)
                found = cut_off(explorer) + unusable(page, height=600)
                problems += [f"{tab.inner_text()}: {problem}" for problem in found]
        assert problems == [], problems

    def test_no_key_deletes_a_cell(self, notebook):
        """To JupyterLab, d d is the command that does."""
        cells = notebook.page.locator(".jp-Cell")
        before = cells.count()
        for explorer in notebook.page.locator(".lk-explorer:not(.lk-explorer *)").all():
            for role in ("button", "gridcell", "slider", "tab"):
                for control in explorer.get_by_role(role, disabled=False).all()[:1]:
                    control.focus()
                    notebook.page.keyboard.press("d")
                    notebook.page.keyboard.press("d")
        notebook.page.wait_for_timeout(300)
        assert cells.count() == before
