"""One measurement: a fresh server, the load client, and what the client reports."""
import json
import os
import subprocess
from dataclasses import dataclass

from .servers import SERVERS, Failed, RunningServer

SETUP_SECONDS = 70  # more than the client allows itself


SLOW_SELECTORS = tuple(name for name, server in SERVERS.items()
                       if server.selector in ("poll", "select"))
ALL_ON_EPOLL = tuple(name for name in SERVERS if name not in SLOW_SELECTORS)
MINIMAL_ON_SLOW = tuple(name for name in SLOW_SELECTORS if name.startswith("tcp_echo"))


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    client: tuple  # arguments of load_client
    bar: float = 0  # the most that tidemill on epoll may cost, in floors
    smallest: bool = False  # smallest of all rounds in place of the ratio to the client's cost
    counted_messages: int = 50_000
    servers: tuple = ALL_ON_EPOLL  # that take part
    program: str = "load_client"
    floor: str = "floor"
    longer: float = 1  # times the usual seconds, for loads with few laps a second


def active(connections, idle=0):
    return ("--connections", str(connections), "--idle", str(idle), "--bytes", "64")


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("echo50", "50 connections x 64 B", active(50), 1.02,
                 servers=tuple(SERVERS)),
        Scenario("echo1000", "1,000 connections x 64 B", active(1000), 1.03,
                 servers=(*ALL_ON_EPOLL, *MINIMAL_ON_SLOW)),
        Scenario("idle10000", "1,000 active + 10,000 idle x 64 B", active(1000, 10_000), 1.03,
                 longer=1.5),
        Scenario("stream", "10 connections x 64 KiB, two in flight",
                 ("--connections", "10", "--bytes", "65536", "--depth", "2"), 0.85,
                 smallest=True, counted_messages=10_000),
        Scenario("connect", "connect, echo, close; 50 at a time", (*active(50), "--reconnect"),
                 1.04, counted_messages=10_000),
    )
}

GROWTH = tuple(
    Scenario(f"growth{count}", f"{count:,} active connections", active(count),
             servers=("floor", "tcp_echo"),
             longer=4 if count >= 10_000 else 1)
    for count in (10, 100, 1000, 10_000))

# poll and select are handed every connection in every turn, select one of less than FD_SETSIZE.
LINEAR = Scenario("selectors", "50 active + 900 idle x 64 B", active(50, 900),
                  servers=("floor", "tcp_echo", *MINIMAL_ON_SLOW))


def run_client(build, running, placement, scenario, seconds, warm_up, extra=(), prefix=()):
    """The client's report; it checks every byte, so any error voids the measurement."""
    command = [*prefix, os.path.join(build, "bench", scenario.program), str(running.port),
               *scenario.client, "--seconds", str(seconds), "--warm-up", str(warm_up),
               "--server", str(running.pid), *placement.client(), *extra]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=seconds + warm_up + SETUP_SECONDS)
    except subprocess.TimeoutExpired:
        raise Failed(f"{running.server.name}: the client did not end") from None
    if done.returncode != 0:
        raise Failed(f"{running.server.name}: {(done.stderr or done.stdout).strip()}")
    return json.loads(done.stdout)


def measure(server, build, scenario, placement, seconds, warm_up):
    """One figure of one round: the server's CPU time over the client's, and both."""
    with RunningServer(server, build, placement) as running:
        report = run_client(build, running, placement, scenario,
                            seconds * scenario.longer, warm_up * scenario.longer)
    report["norm"] = report["server_cpu_us"] / report["client_cpu_us"]
    return report
