"""Are the letters of explorers dark or light enough for what they stand on?

axe-core takes for hidden, and passes, what is scrolled away, and all that lies in a body without
height, as JupyterLab's is. So each explorer is brought to the front, and the body cuts off nothing.
"""

from tests.browser.lab import AXE

_PALE = """async theme => {
  await window.jupyterapp.commands.execute('apputils:change-theme', { theme });
  const splash = () => document.querySelector('#jupyterlab-splash'); // two of them: a page error
  const named = () => document.body.dataset.jpThemeName === theme && !splash();
  while (!named()) await new Promise(next => setTimeout(next, 50));
  document.body.style.setProperty('overflow', 'visible', 'important');
  const [said, seen] = [[], []];
  for (const explorer of document.querySelectorAll('.lk-explorer:not(.lk-explorer *)')) {
    explorer.scrollIntoView({ block: 'center' });
    for (const _frame of [1, 2]) await new Promise(requestAnimationFrame);
    const options = { preload: false, runOnly: ['color-contrast'] };
    const { violations, passes } = await axe.run(explorer, options);
    const passed = passes.flatMap(each => each.nodes);
    seen.push(...passed.filter(({ any }) => any[0]?.data?.messageKey !== 'hidden'));
    said.push(...violations.flatMap(each => each.nodes).map(({ html }) => html.slice(0, 160)));
  }
  return seen.length > 300 ? said : [`no more than ${seen.length} texts were seen`, ...said];
}"""


def pale(page) -> list[str]:
    """Return the letters of a page's explorers that are hard to read, in the dark or the light."""
    page.evaluate(AXE.read_text("utf-8"))
    return [
        f"{theme}: {letters}"
        for theme in ("Dark", "Light")
        for letters in page.evaluate(_PALE, f"JupyterLab {theme}")
    ]
