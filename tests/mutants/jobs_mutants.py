# SPDX-License-Identifier: MIT
"""Mutants of the jobs; see suite."""

MUTANTS = [
    ("percentile-rounded-down", "kernel/jobs/histogram.c", "histogram", {"* thousandths + 999) / 1000": "* thousandths) / 1000"}),
    ("largest-above-the-maximum", "kernel/jobs/histogram.c", "histogram", {"return largest > histogram->maximum ? histogram->maximum : largest": "return largest"}),
]
