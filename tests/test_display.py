"""What a learner is told, and how an error that explains itself is shown."""

import os
import subprocess
import sys

import nbclient
import nbformat

from labkit.display import ExplainedError, Html, Notice, ProgressBar, card, table, tell


def test_outside_a_notebook_a_notice_goes_to_stderr(capsys):
    tell("Head", "One.", "Two.")
    assert capsys.readouterr().err == "Head\nOne.\nTwo.\n"


def test_in_a_notebook_it_is_a_box_and_nothing_in_it_is_taken_for_html():
    shown = Notice("<b>", ("a & b",))._repr_html_()
    assert "&lt;b&gt;" in shown and "a &amp; b" in shown
    assert 'role="note"' in shown


def test_a_notice_sets_code_as_code_and_may_be_folded():
    shown = Notice("Head", ("Run `<b> make lab` again.",), folded=True)
    assert "Run <code>&lt;b&gt; make lab</code> again." in shown._repr_html_()
    assert "<summary><strong>Head</strong></summary>" in shown._repr_html_()
    assert str(shown) == "Head"


def test_a_card_escapes_what_is_not_html_and_keeps_line_breaks():
    shown = card("1 < 2\nyes", Html("<b>bold</b>"), "")
    assert "<div>1 &lt; 2<br>yes</div><div><b>bold</b></div></div>" in shown


def test_a_table_says_its_headings_to_a_screen_reader_and_sets_numbers_flush_right():
    shown = table(
        ("a", "n"), [("<x>", "1"), ("y", "2")], caption="A & B", right={1}, row_heads=True
    )
    assert shown.count('scope="col"') == 2 and shown.count('scope="row"') == 2
    assert "A &amp; B" in shown and "&lt;x&gt;</th>" in shown
    assert shown.count("text-align: right") == 3
    assert "caption" not in table(("a",), [])


def test_ipython_shows_an_error_that_explains_itself_without_a_traceback():
    code = "from labkit.display import ExplainedError as E; raise E('Do this instead.')"
    command = [sys.executable, "-m", "IPython", "--colors=NoColor", "-c", code]
    own = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}  # it warns
    done = subprocess.run(command, capture_output=True, text=True, env=own)
    assert (done.stdout + done.stderr).strip() == "ExplainedError: Do this instead."
    assert issubclass(ExplainedError, ValueError)


BARS = """
from labkit.display import ProgressBar
for _number in ProgressBar(range(5), desc="<b>"): pass
for _number in ProgressBar(range(5), leave=False): pass
bar = ProgressBar(total=8); bar.update(3); bar.set_postfix_str("loss 1.2"); raise SystemExit
"""


def test_a_notebook_keeps_how_far_a_progress_bar_came():
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(BARS)])
    nbclient.NotebookClient(notebook, allow_errors=True).execute()
    data = [output.data for output in notebook.cells[0].outputs if "data" in output]
    whole, gone, broken_off = (one["text/html"] for one in data)
    assert "&lt;b&gt;: 100%" in whole and 'value="5" max="5"' in whole and "5/5 [" in whole
    assert gone == ""
    assert 'value="3" max="8"' in broken_off and "loss 1.2]" in broken_off
    assert all("widget" not in kind for one in data for kind in one)


def test_outside_a_notebook_a_progress_bar_is_text(capsys):
    for _number in ProgressBar(range(5)):
        pass
    assert "5/5 [" in capsys.readouterr().err
