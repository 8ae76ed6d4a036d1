"""A notebook with one explorer of each kind, each in a cell of its own behind the first."""

from tests.benchmarks.widgets import CASES, SET_UP

CELLS = (
    SET_UP,
    *(case.cell for case in CASES),
    "from labkit.explorers.data_choice import DataChoice\nDataChoice()",
    "from labkit.explorers.device_toggle import DeviceToggle\nDeviceToggle()",
    "from labkit.explorers.shape_coach.forward_coach import ForwardCoach\nForwardCoach(Net())",
    """from labkit.data import BatchLoader
from labkit.explorers.live_training import LiveTraining
from labkit.training import Run
net = Net()
batches = BatchLoader(pictures, batch_size=20)
run = Run(net, batches, batches, torch.optim.SGD(net.parameters(), lr=0.01), epochs=1)
panel = LiveTraining(run)
panel""",
)
EXPLORERS = len(CELLS) - 1
