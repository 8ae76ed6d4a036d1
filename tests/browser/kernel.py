"""Ask the kernel of an open notebook, as another cell would, without touching the cells."""

import json

_EXECUTE = """async code => {
  // A stage says what was changed when that is painted.
  await new Promise(next => requestAnimationFrame(() => setTimeout(next)));
  const { sessionContext } = window.jupyterapp.shell.currentWidget;
  const future = sessionContext.session.kernel.requestExecute({ code, store_history: false });
  let [text, error] = ['', ''];
  future.onIOPub = ({ content, header }) => {
    if (header.msg_type === 'stream' && content.name === 'stdout') text += content.text;
    if (header.msg_type === 'error') error = content.traceback.join('\\n');
  };
  await future.done;
  return [text, error];
}"""


def execute(notebook, code: str) -> str:
    """Run ``code`` in the notebook's kernel and return what it prints; an error fails the test."""
    text, error = notebook.page.evaluate(_EXECUTE, code)
    assert not error, error
    return text


def value(notebook, expression: str):
    """Return what an expression is worth in the notebook's kernel, if JSON can say it."""
    return json.loads(execute(notebook, f"import json; print(json.dumps({expression}))"))


def settle(notebook) -> None:
    """Wait until the kernel has heard of every key and click so far, and the page of its answers.

    A widget holds back what changes while its last message is under way; hence it is asked twice.
    """
    for _time in range(2):
        execute(notebook, "")
