"""Interleaved rounds: every server once a round, in an order that is rotated each time."""
import contextlib
import fcntl
import os
import tempfile

from .measure import measure
from .servers import Failed


@contextlib.contextmanager
def alone(placement):
    """Two benchmarks at a time would share the one core that both measure on."""
    if placement.core < 0:
        yield
        return
    path = os.path.join(tempfile.gettempdir(), f"tidemill-bench-{os.getuid()}.lock")
    with open(path, "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def rotated(items, by):
    by %= max(len(items), 1)
    return items[by:] + items[:by]


def run_rounds(entries, scenario, placement, rounds, seconds, warm_up, say):
    """entries: (label, Server, build directory). Gives label -> list of reports, one a round.

    A round counts for all or for none, since figures are compared within a round.
    """
    reports = {label: [] for label, _, _ in entries}
    failures = []
    for number in range(rounds):
        found = {}
        for label, server, build in rotated(entries, number):
            try:
                with alone(placement):
                    found[label] = measure(server, build, scenario, placement, seconds, warm_up)
            except Failed as failure:
                failures.append(str(failure))
                say(f"    round {number + 1}: {failure}")
        if len(found) == len(entries):
            for label, report in found.items():
                reports[label].append(report)
    return reports, failures
