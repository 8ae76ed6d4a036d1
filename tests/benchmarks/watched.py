"""Is training slower for being watched? ``python -m tests.benchmarks.watched [pairs]``

The live panel of notebook 5 is open in a real browser, and the same run trains on while the panel
follows it for some seconds, then does not, in turn. Browser and training share the machine.
"""

import json
import os
import statistics
import sys

from tests.benchmarks.widgets import AS_LEARNERS, _machine
from tests.browser.kernel import execute
from tests.browser.lab import in_jupyterlab

LEAST = 0.97
"""The share of images per second that is left, as issue 13 asks for."""

SAID = (
    "images/s",
    "images per CPU second of the kernel",
    "cores: kernel",
    "cores: server",
    "cores: browser",
)

SHOWN = """
import numpy as np, torch
from labkit.data import BatchLoader, ImageSet
from labkit.explorers.live_training import LiveTraining
from labkit.model import Net
from labkit.training import Run
noise = np.random.default_rng(0).integers(0, 256, (10_000, 32, 32, 3), dtype=np.uint8)
names = tuple("airplane automobile bird cat deer dog frog horse ship truck".split())
pictures = ImageSet(noise, [k % 10 for k in range(10_000)], names, source="noise")
net = Net()
sgd = torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9)
run = Run(net, BatchLoader(pictures, 4), BatchLoader(pictures, 500), sgd, epochs=1000)
panel = LiveTraining(run)
panel
"""

MEASURE = """
import json, time, psutil
family = psutil.Process().parent().parent().children(recursive=True)
server, kernel = psutil.Process().parent(), psutil.Process()
browser = [one for one in family if "chrom" in one.name()]
def used():
    others = sum(sum(one.cpu_times()[:2]) for one in browser if one.is_running())
    return time.perf_counter(), time.process_time(), sum(server.cpu_times()[:2]), others
def rate(watched, seconds=2.0):
    panel.live.on_change = panel._changed if watched else None
    time.sleep(0.2)
    steps, before = run.steps_done, used()
    time.sleep(seconds)
    wall, own, server, browser = (now - then for now, then in zip(used(), before))
    images = 4 * (run.steps_done - steps)
    return images / wall, images / own, own / wall, server / wall, browser / wall
orders = [(True, False), (False, True)] * ({pairs} // 2)
print(json.dumps([{{w: rate(w) for w in order}} for order in orders]))
"""


def main(pairs: int) -> None:
    """Measure so many pairs and print both rates, their ratio and the frames that were seen."""
    busy = hasattr(os, "getloadavg") and os.getloadavg()[0] > 1.5
    with in_jupyterlab(SHOWN, windowing=AS_LEARNERS) as notebook:
        page = notebook.page
        print(_machine(page), flush=True)
        notebook.run_all()
        page.locator("button.lk-live-play").click()
        page.locator(".lk-live-status", has_text="images/s").wait_for()
        page.wait_for_timeout(3000)
        frames = "Number(document.querySelector('.lk-learning').dataset.frames)"
        before = page.evaluate(frames)
        page.wait_for_timeout(5000)
        seen = (page.evaluate(frames) - before) / 5
        found = json.loads(execute(notebook, MEASURE.format(pairs=pairs)))
    print(f"{seen:.1f} frames/s; {pairs} pairs, each number a median")
    ratios = []
    for n, name in enumerate(SAID):
        watched, unwatched = ([pair[key][n] for pair in found] for key in ("true", "false"))
        ratios.append(
            statistics.median(w / u if u else 0 for w, u in zip(watched, unwatched, strict=True))
        )
        middle = statistics.median(watched), statistics.median(unwatched)
        print(f"{name:<36}watched {middle[0]:9.2f}, not {middle[1]:9.2f}, ratio {ratios[-1]:.3f}")
    ratio = ratios[0]
    if busy:
        print("Others used the machine: a busy scheduler favours who sleeps at times. Repeat it.")
    else:
        print("Within 3 %." if ratio >= LEAST else "Slower by more than 3 %.")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 20)
