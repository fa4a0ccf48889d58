"""What is measured, one stage after the other; each gives the data that the tables show."""
import os
from dataclasses import replace
from pathlib import Path

from . import threads, udp
from .counts import (COUNTED, IDLE_CONNECTIONS, WARM_MESSAGES, bytes_per_idle_connection,
                     count)
from .figures import summarise_all
from .flood import median_flood
from .measure import ALL_ON_EPOLL, GROWTH, LINEAR, SCENARIOS
from .micro import run_compile, run_micro
from .rounds import run_rounds
from .servers import EVERY_SERVER, IDLE_STREAMS, TLS_SERVERS, Failed
from .tls import COUNTED as COUNTED_TLS
from .tls import IDLE_CONNECTIONS as IDLE_TLS_CONNECTIONS
from .tls import TLS_SCENARIOS

ROOT = Path(__file__).resolve().parents[2]
STAGES = (*SCENARIOS, *TLS_SCENARIOS, "tls_counts", "tls_memory", "tls_flood", *udp.SCENARIOS,
          *threads.SCENARIOS, "growth", "selectors", "counts", "memory", "micro", "compile")


class Run:
    """One call of the benchmark: where, how long, and what it could not measure."""

    def __init__(self, options, placement, counter, say):
        self.options = options
        self.build = options.build
        self.placement = placement
        self.counter = counter
        self.say = say
        self.all_cores = set(range(os.cpu_count() or 1))
        self.missing = []  # since take_gaps()
        self.failures = []
        self.failed = False

    def take_gaps(self):
        gaps = sorted({*self.missing, *self.failures})
        self.failed = self.failed or bool(self.failures)
        self.missing, self.failures = [], []
        return gaps

    def servers(self, names):
        """Those of the names that are asked for and built."""
        chosen = self.options.servers.split(",") if self.options.servers else names
        for name in chosen:
            if EVERY_SERVER[name].is_built(self.build):
                yield EVERY_SERVER[name]
            else:
                self.missing.append(f"{name} ({EVERY_SERVER[name].program} is not built)")

    def rounds(self, scenario):
        if self.options.smoke:
            few = tuple("100" if each == "10000" else each for each in scenario.client)
            scenario = replace(scenario, client=few)
        entries = [(server.name, server, self.build) for server in self.servers(scenario.servers)]
        reports, failures = run_rounds(entries, scenario, self.placement, self.options.rounds,
                                       self.options.seconds, self.options.warm_up, self.say)
        self.failures += failures
        return summarise_all(reports, scenario.floor)

    def each(self, servers, measure):
        """name -> figure; a server that fails is named and left out."""
        found = {}
        for server in servers:
            try:
                found[server.name] = measure(server)
            except Failed as failure:
                self.failures.append(str(failure))
                self.say(f"    {failure}")
        return found


def run_growth(run):
    return {scenario.name.removeprefix("growth"): run.rounds(scenario)
            for scenario in GROWTH[:run.options.growth_steps]}


def run_counts(run, scenarios):
    if run.counter is None:
        run.missing.append("system calls (neither tracepoints nor strace)")
        return {}
    return {
        scenario.name: run.each(
            run.servers(scenario.servers), lambda server, scenario=scenario: count(
                server, run.build, scenario, run.placement, run.counter,
                run.options.most_messages))
        for scenario in scenarios}


def run_memory(run):
    connections = min(IDLE_CONNECTIONS, run.options.most_messages)
    times = min(run.options.rounds, 2)
    return run.each([*run.servers(ALL_ON_EPOLL), IDLE_STREAMS], lambda server: min(
        bytes_per_idle_connection(server, run.build, run.placement, connections)
        for _ in range(times)))


def run_tls_memory(run):
    most = run.options.most_messages
    return run.each(run.servers(TLS_SERVERS), lambda server: bytes_per_idle_connection(
        server, run.build, run.placement, min(IDLE_TLS_CONNECTIONS, most),
        TLS_SCENARIOS["tls_stream"], min(WARM_MESSAGES, most)))


def run_tls_flood(run):
    options = run.options
    return run.each(run.servers(TLS_SERVERS), lambda server: median_flood(
        server, run.build, run.placement, min(options.rounds, 3), options.seconds,
        options.warm_up))


def run_stage(run, stage):
    if stage in SCENARIOS:
        return run.rounds(SCENARIOS[stage])
    if stage in TLS_SCENARIOS:
        return run.rounds(TLS_SCENARIOS[stage])
    if stage in udp.SCENARIOS:
        return udp.run(run, stage)
    if stage in threads.SCENARIOS:
        return threads.run(run, stage)
    if stage == "selectors":
        return run.rounds(LINEAR)
    if stage == "growth":
        return run_growth(run)
    if stage == "counts":
        return run_counts(run, [SCENARIOS[name] for name in COUNTED])
    if stage == "tls_counts":
        return run_counts(run, [TLS_SCENARIOS[name] for name in
                                COUNTED_TLS[:run.options.tls_counted]])
    if stage == "tls_memory":
        return run_tls_memory(run)
    if stage == "tls_flood":
        return run_tls_flood(run)
    if stage == "memory":
        return run_memory(run)
    repetitions = min(run.options.rounds, 3)
    if stage == "micro":
        found, missing = run_micro(run.build, run.all_cores, repetitions, run.options.timers)
    else:
        found, missing = run_compile(run.build, ROOT, repetitions, run.options.compiled)
    run.missing += missing
    return found
