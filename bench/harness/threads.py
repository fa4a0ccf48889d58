"""Two loops against one, on two cores; and the two ways in which connections come to loops.

Servers and clients run on all cores, which lockstep on one core cannot show. The figure is that of
the other tables: the server's CPU time per message over the client's of the same second, over that
of one loop in the same round. In time, one loop and two get the same load of the same client.
"""
import os
from dataclasses import dataclass

from .figures import summarise_all
from .measure import Scenario, active
from .rounds import run_rounds
from .servers import Placement, Server

MOST = 1.05


def _echo_server(name, threads):
    return Server(name, "examples/echo_server",
                  ("--tcp", "127.0.0.1:{port}", "--threads", str(threads)), "epoll")


def _hand_written(name, threads):
    return Server(name, "bench/raw_epoll_echo", ("{port}", "65536", str(threads)))


def _pool(name, loops, how):
    return Server(name, "bench/pool_echo", ("{port}", str(loops), how), "epoll")


ONE = "echo_server, 1 loop"
TWO = "echo_server, 2 loops"
FLOOR_ONE = "hand-written, 1 thread"
FLOOR_TWO = "hand-written, 2 threads"
SERVERS = {
    server.name: server
    for server in (_echo_server(ONE, 1), _echo_server(TWO, 2),
                   _pool("2 loops, SO_REUSEPORT", 2, "kernel"),
                   _pool("2 loops, hand-over", 2, "hand"),
                   _hand_written(FLOOR_ONE, 1), _hand_written(FLOOR_TWO, 2))
}
SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("threads", "50 connections x 64 B on two cores", active(50), floor=ONE),
        Scenario("threads_connect", "connect, echo, close on two cores",
                 (*active(50), "--reconnect"), floor=ONE),
    )
}
HEAD = ["server, two cores", "50 x 64 B, of 1 loop", "all rounds", "CPU µs/message",
        "connect, of 1 loop", "all rounds", "CPU µs/connection"]


@dataclass
class EveryCore(Placement):
    """Nobody is pinned, and nobody is in real time: two loops would lock a client out."""

    core: int = 0  # measures alone, as the others do
    cores: frozenset = frozenset()

    def client(self):
        return []

    def enter(self):
        os.sched_setaffinity(0, self.cores)


def run(run, stage):
    """name -> summary; a round counts for all or for none."""
    options = run.options
    servers = [server for server in SERVERS.values() if server.is_built(run.build)]
    run.missing += [f"{server.name} ({server.program} is not built)"
                    for server in SERVERS.values() if server not in servers]
    if len(run.all_cores) < 2:
        run.missing.append("two loops on two cores (there is one)")
        return {}
    placement = EveryCore(cores=frozenset(run.all_cores))
    reports, failures = run_rounds([(server.name, server, run.build) for server in servers],
                                   SCENARIOS[stage], placement, options.rounds, options.seconds,
                                   options.warm_up, run.say)
    run.failures += failures
    return summarise_all(reports, ONE)


def rows(data):
    """name -> [ratio, rounds and CPU time of each scenario], for the table."""
    for name in SERVERS:
        row = []
        for stage in SCENARIOS:
            own = (data.get(stage) or {}).get(name)
            row += ([own["ratio"], (own["lowest"], own["highest"]), own["cpu_us"]] if own
                    else [None] * 3)
        if any(value is not None for value in row):
            yield name, row


def bars(data, make):
    ratios = {name: own.get("ratio") for name, own in (data.get("threads") or {}).items()}
    found = ratios.get(TWO)
    yield make("CPU per message, 2 loops on two cores, of 1 loop", MOST, found)
    hand_one, hand_two = ratios.get(FLOOR_ONE), ratios.get(FLOOR_TWO)
    beyond = found * hand_one / hand_two if found and hand_one and hand_two else None
    yield make("the same, beyond what the hand-written server has to pay", MOST, beyond)
