"""Look into any model without changing it: shapes, faults, filters, receptive fields."""

from labkit.inspect.faults import Fault
from labkit.inspect.maps import first_convolution, first_filters, pixels_seen
from labkit.inspect.summary import Row, Summary, summary
from labkit.sandbox.untouched import untouched
