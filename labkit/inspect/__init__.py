"""Look into any model without changing it: shapes, faults, feature maps, filters."""

from labkit.inspect.faults import Fault
from labkit.inspect.maps import Maps, feature_maps, first_convolution, first_filters, pixels_seen
from labkit.inspect.summary import Row, Summary, summary
from labkit.sandbox.untouched import untouched

__all__ = [
    "Fault",
    "Maps",
    "Row",
    "Summary",
    "feature_maps",
    "first_convolution",
    "first_filters",
    "pixels_seen",
    "summary",
    "untouched",
]
