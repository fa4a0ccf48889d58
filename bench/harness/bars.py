"""The bars: what tidemill must reach, and whether the figures of a run do."""
from dataclasses import dataclass
from typing import Optional

from . import threads, udp
from .figures import OURS, growth_beyond_floor
from .measure import SCENARIOS
from .tls import FLOOR as FLOOR_TLS
from .tls import OURS as OURS_TLS
from .tls import PEERS as PEERS_TLS
from .tls import TLS_SCENARIOS


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


def best(stage, names, key):
    """The smallest of those that were measured."""
    values = [(stage or {}).get(name, {}).get(key) for name in names]
    return min((value for value in values if value is not None), default=None)


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


def tls_bars(data):
    for name, scenario in TLS_SCENARIOS.items():
        if scenario.bar > 0:
            key = "best" if scenario.smallest else "ratio"
            yield Bar(f"CPU per message, {scenario.title}, of the floor", scenario.bar,
                      worst(data.get(name), OURS_TLS, key))
    counts = data.get("tls_counts") or {}
    message = counts.get("tls50")
    yield Bar("TLS: system calls per message, 50 connections", 2.02,
              worst(message, OURS_TLS, "calls"), 2)
    allocations = worst(message, OURS_TLS, "allocations")
    floors = worst(message, [FLOOR_TLS], "allocations")
    yield Bar("TLS: allocations per message, beyond OpenSSL's own", 0,
              None if None in (allocations, floors) else allocations - floors, 2)
    yield from tls_against_peers(data)


def tls_against_peers(data):
    """Of the better of the peers: the CPU of a message, and how long the others wait in a flood."""
    for name, key in (*((name, "best" if scenario.smallest else "ratio")
                        for name, scenario in TLS_SCENARIOS.items() if scenario.bar > 0),
                      ("tls_flood", "p99_us")):
        ours, peers = (worst(data.get(name), OURS_TLS, key),
                       best(data.get(name), PEERS_TLS, key))
        title = TLS_SCENARIOS[name].title if name in TLS_SCENARIOS else "TLS: p99 in a flood"
        yield Bar(f"{title}, of the better peer", 1,
                  None if None in (ours, peers) else ours / peers)


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
    return [*cost_bars(data), *udp.bars(data, Bar), *threads.bars(data, Bar),
            *growth_bar(data), *count_bars(data),
            *tls_bars(data), *micro_bars(data)]
