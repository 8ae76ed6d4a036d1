"""Choose where the following cells compute; watch a GPU that is not there in a recording."""

from labkit.explorers.device_toggle.widget import DeviceToggle
