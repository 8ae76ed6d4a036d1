"""What a learner is told, and how an error that explains itself is shown."""

import os
import subprocess
import sys

from labkit.display import ExplainedError, Html, Notice, card, table, tell


def test_outside_a_notebook_a_notice_goes_to_stderr(capsys):
    tell("Head", "One.", "Two.")
    assert capsys.readouterr().err == "Head\nOne.\nTwo.\n"


def test_in_a_notebook_it_is_a_box_and_nothing_in_it_is_taken_for_html():
    shown = Notice("<b>", ("a & b",))._repr_html_()
    assert "&lt;b&gt;" in shown and "a &amp; b" in shown
    assert 'role="note"' in shown


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
