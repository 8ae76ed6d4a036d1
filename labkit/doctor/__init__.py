"""The doctor: find the bugs that raise no error, by running a few steps on copies."""

from labkit.doctor.examine import examine
from labkit.doctor.findings import Finding, Report
