"""UDP: its servers, its client, its two scenarios, its table and its bars.

The figure is that of the other tables: the server's CPU time over the client's of the same second,
over the floor's in the same round. A client that sends runs (GSO) is cheaper the more the server
answers in runs, so there the smallest times of all rounds are compared.
"""
import json
import os
import subprocess
from dataclasses import dataclass

from .figures import summarise
from .rounds import alone, rotated
from .servers import START_SECONDS, Failed, RunningServer, Server

SETUP_SECONDS = 70


def _echo_server(name, arguments=(), selector="epoll"):
    return Server(name, "examples/echo_server", ("--udp", "127.0.0.1:{port}", *arguments), selector)


SERVERS = {
    server.name: server
    for server in (
        Server("recvfrom + sendto", "bench/raw_udp_echo", ("{port}", "loop")),
        Server("recvmmsg + sendmmsg", "bench/raw_udp_echo", ("{port}", "mmsg")),
        Server("GRO + GSO", "bench/raw_udp_echo", ("{port}", "gso")),
        _echo_server("echo_server"),
        _echo_server("echo_server-poll", selector="poll"),
        Server("udp_echo", "examples/udp_echo", ("127.0.0.1:{port}",), "epoll"),
        Server("libuv", "bench/peers/libuv_udp_echo"),
        Server("libuv-recvmmsg", "bench/peers/libuv_udp_echo", ("{port}", "mmsg")),
        Server("asio", "bench/peers/asio_udp_echo"),
    )
}


@dataclass(frozen=True)
class Scenario:
    name: str
    title: str
    client: tuple
    floor: str
    bar: float
    smallest: bool = False


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("udp64", "64 B, 64 outstanding", ("--bytes", "64"), "recvfrom + sendto", 0.79),
        Scenario("udp_gso", "64 B, 64 outstanding, sent by GSO", ("--bytes", "64", "--gso"),
                 "GRO + GSO", 1.10, smallest=True),
    )
}


class RunningUdpServer(RunningServer):
    def _announced_port(self):
        import select
        output = self.process.stdout
        if not select.select([output], [], [], START_SECONDS)[0]:
            raise Failed(f"{self.server.name} did not start within {START_SECONDS} s")
        line = output.readline().decode(errors="replace").strip()
        if not line.startswith("listening udp "):
            raise Failed(f"{self.server.name} did not start: {line!r}")
        return int(line.rsplit(":", 1)[1])


def measure(server, build, scenario, placement, seconds, warm_up):
    with RunningUdpServer(server, build, placement) as running:
        command = [os.path.join(build, "bench", "udp_load_client"), str(running.port),
                   *scenario.client, "--seconds", str(seconds), "--warm-up", str(warm_up),
                   "--server", str(running.pid), *placement.client()]
        try:
            done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                  text=True, timeout=seconds + warm_up + SETUP_SECONDS,
                                  check=False)
        except subprocess.TimeoutExpired:
            raise Failed(f"{server.name}: the client did not end") from None
    if done.returncode != 0:
        raise Failed(f"{server.name}: {(done.stderr or done.stdout).strip()}")
    report = json.loads(done.stdout)
    report["norm"] = report["server_cpu_us"] / report["client_cpu_us"]
    return report


def run(run, name):
    """name -> summary; a round counts for all or for none."""
    scenario = SCENARIOS[name]
    options = run.options
    servers = [server for server in SERVERS.values() if server.is_built(run.build)]
    run.missing += [f"{server.name} ({server.program} is not built)"
                    for server in SERVERS.values() if server not in servers]
    reports = {server.name: [] for server in servers}
    for number in range(options.rounds):
        found = {}
        for server in rotated(servers, number):
            try:
                with alone(run.placement):
                    found[server.name] = measure(server, run.build, scenario, run.placement,
                                                 options.seconds, options.warm_up)
            except Failed as failure:
                run.failures.append(str(failure))
                run.say(f"    round {number + 1}: {failure}")
        if len(found) == len(servers):
            for label, report in found.items():
                reports[label].append(report)
    floor = reports.get(scenario.floor)
    return {label: summarise(own, floor) for label, own in reports.items() if own} if floor else {}


def figure(stage, name, own):
    return own.get("best" if SCENARIOS[stage].smallest else "ratio")


def rows(data):
    """name -> [ratio and CPU time of each scenario], for the table."""
    for name in SERVERS:
        row = []
        for stage in SCENARIOS:
            own = (data.get(stage) or {}).get(name, {})
            row += [figure(stage, name, own), own.get("cpu_us")]
        if any(value is not None for value in row):
            yield name, row


HEAD = ["server", "64 B, of recvfrom + sendto", "CPU µs/datagram",
        "sent by GSO, of GRO + GSO, best", "CPU µs/datagram"]


def bars(data, make):
    for stage, scenario in SCENARIOS.items():
        found = figure(stage, "echo_server", (data.get(stage) or {}).get("echo_server", {}))
        yield make(f"CPU per datagram, {scenario.title}, of {scenario.floor}", scenario.bar, found)
