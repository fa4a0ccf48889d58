"""The bars: what tidemill must reach, and whether the figures of a run do."""
from dataclasses import dataclass
from typing import Optional

from . import udp
from .figures import OURS, growth_beyond_floor
from .measure import SCENARIOS


@dataclass(frozen=True)
class Bar:
    what: str
    most: float
    found: Optional[float]
    digits: int = 3

    @property
    def verdict(self):
        if self.found is None:
            return "not measured"
        return "met" if round(self.found, self.digits) <= self.most else "**not met**"


def worst(stage, names, key):
    """The largest of several servers' figures, or nothing if one of them was not measured."""
    values = [(stage or {}).get(name, {}).get(key) for name in names]
    return None if not values or None in values else max(values)


def cost_bars(data):
    for name, scenario in SCENARIOS.items():
        key = "best" if scenario.smallest else "ratio"
        yield Bar(f"CPU per message, {scenario.title}, of the floor", scenario.bar,
                  worst(data.get(name), OURS, key))
    for selector in ("poll", "select"):
        names = [f"{name}-{selector}" for name in OURS]
        yield Bar(f"the same at 50 connections on {selector}", 1.10,
                  worst(data.get("echo50"), names, "ratio"))


def count_bars(data):
    counts = data.get("counts") or {}
    yield Bar("system calls per message, 50 connections", 2.02,
              worst(counts.get("echo50"), OURS, "calls"), 2)
    yield Bar("system calls per connection, connect-echo-close", 6.1,
              worst(counts.get("connect"), OURS, "calls"), 1)
    yield Bar("allocations per message, 50 connections", 0,
              worst(counts.get("echo50"), OURS, "allocations"), 2)
    memory = {name: {"bytes": value} for name, value in (data.get("memory") or {}).items()}
    yield Bar("bytes of an idle connection: the library's stream", 200,
              worst(memory, ["idle_streams"], "bytes"), 0)
    yield Bar("bytes of an idle connection: with Server and coroutine", 500,
              worst(memory, OURS, "bytes"), 0)


def micro_bars(data):
    ours = (data.get("micro") or {}).get("tidemill", {})
    for key, what, most in (
            ("timer_arm", "Timer, arm, ns", 10), ("wheel_timer_arm", "deadline, arm, ns", 10),
            ("timer_cancel", "Timer, cancel in random order, ns", 30),
            ("wheel_timer_cancel", "deadline, cancel in random order, ns", 30),
            ("post_own_thread", "post from the loop's thread, ns", 20),
            ("post_four_threads", "post from four threads, ns of process CPU", 50)):
        yield Bar(what, most, ours.get(key), 1)
    yield Bar("minimal echo server, CPU seconds to compile", 1.2,
              (data.get("compile") or {}).get("tidemill"), 2)


def growth_bar(data):
    growth = data.get("growth")
    steps = {int(count): own for count, own in (growth or {}).items()}
    is_whole = len(steps) > 1 and all("tcp_echo" in own for own in steps.values())
    yield Bar("CPU per message from 10 to 10,000 connections, beyond the floor's own growth", 1.15,
              growth_beyond_floor(steps, "tcp_echo") if is_whole else None)


def bars(data):
    """data: stage -> figures."""
    return [*cost_bars(data), *udp.bars(data, Bar), *growth_bar(data), *count_bars(data),
            *micro_bars(data)]
