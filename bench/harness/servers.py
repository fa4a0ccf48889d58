"""The servers that are compared, and how one is started, watched and ended."""
import os
import resource
import select
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

REAL_TIME_PRIORITY = 10
START_SECONDS = 5
LONGEST_REAL_TIME_STRETCH_US = 5_000_000


class Failed(Exception):
    """A measurement that gave no figure; the text says why."""


@dataclass(frozen=True)
class Server:
    name: str
    program: str  # below the build directory
    arguments: tuple = ("{port}",)
    selector: str = ""

    def command(self, build, port=0):
        places = {"port": port, "certificate": identity_file(build, "certificate"),
                  "key": identity_file(build, "key")}
        return [str(Path(build) / self.program)] + [a.format(**places) for a in self.arguments]

    def is_built(self, build):
        return (Path(build) / self.program).exists()


def identity_file(build, what):
    return Path(build) / "bench" / "identity" / f"{what}.pem"


def make_identity(build):
    """The certificate of all TLS servers, of the kind that most servers have: ECDSA on P-256."""
    certificate, key = identity_file(build, "certificate"), identity_file(build, "key")
    if certificate.exists():
        return
    certificate.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "3650", "-subj", "/CN=localhost", "-keyout", str(key), "-out",
         str(certificate)], check=True, capture_output=True)


def _tidemill(name, program, arguments, selector="epoll"):
    return Server(name, f"examples/{program}", arguments, selector)


MINIMAL = ("127.0.0.1:{port}",)
FULL = ("--tcp", "127.0.0.1:{port}")

SERVERS = {
    server.name: server
    for server in (
        Server("floor", "bench/raw_epoll_echo"),
        _tidemill("tcp_echo", "tcp_echo", MINIMAL),
        _tidemill("echo_server", "echo_server", FULL),
        _tidemill("tcp_echo-poll", "tcp_echo", MINIMAL, "poll"),
        _tidemill("tcp_echo-select", "tcp_echo", MINIMAL, "select"),
        _tidemill("echo_server-poll", "echo_server", FULL, "poll"),
        _tidemill("echo_server-select", "echo_server", FULL, "select"),
        Server("libuv", "bench/peers/libuv_echo"),
        Server("libuv-try", "bench/peers/libuv_echo", ("{port}", "try")),
        Server("asio", "bench/peers/asio_echo"),
        Server("asio-coro", "bench/peers/asio_coro_echo"),
        Server("libevent", "bench/peers/libevent_echo"),
    )
}

WITH_IDENTITY = ("{port}", "{certificate}", "{key}")

TLS_SERVERS = {
    server.name: server
    for server in (
        Server("tls-floor", "bench/raw_tls_echo", WITH_IDENTITY),
        _tidemill("tls_echo", "tls_echo", (*MINIMAL, "{certificate}", "{key}")),
        _tidemill("echo_server-tls", "echo_server", ("--tls", *MINIMAL, "--cert", "{certificate}",
                                                     "--key", "{key}")),
        Server("asio-tls", "bench/peers/asio_tls_echo", WITH_IDENTITY),
        Server("libevent-tls", "bench/peers/libevent_tls_echo", WITH_IDENTITY),
    )
}
EVERY_SERVER = {**SERVERS, **TLS_SERVERS}

# Not an echo server to compare: the library's streams, held without a Server.
IDLE_STREAMS = Server("idle_streams", "bench/idle_streams", ())


@dataclass
class Placement:
    """Where servers and clients run: on one core, in real time if the system allows it."""

    core: int = -1
    is_real_time: bool = False
    priority: int = REAL_TIME_PRIORITY
    notes: list = field(default_factory=list)

    def client(self):
        """Arguments that put load_client there too."""
        return ["--core", str(self.core)] if self.core >= 0 else []

    def enter(self):
        """For the child, between fork and exec."""
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
        if self.core >= 0:
            os.sched_setaffinity(0, {self.core})
        if self.is_real_time:
            stretch = LONGEST_REAL_TIME_STRETCH_US
            resource.setrlimit(resource.RLIMIT_RTTIME, (stretch, stretch))
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(self.priority))


def find_placement():
    """The last core is for the servers and clients; this process keeps to the others."""
    cores = sorted(os.sched_getaffinity(0))
    placement = Placement(core=cores[-1])
    if len(cores) > 1:
        os.sched_setaffinity(0, set(cores[:-1]))
    else:
        placement.notes.append("only one core: the orchestrator disturbs what it measures")
    trial = Placement(core=placement.core, is_real_time=True)
    try:
        subprocess.run(["true"], preexec_fn=trial.enter, check=True)
        placement.is_real_time = True
    except (OSError, subprocess.SubprocessError):
        placement.notes.append("no real-time priority here: not in lockstep, figures less exact")
    return placement


class RunningServer:
    """A fresh process that listens; a context manager that ends it whatever happens.

    One that `is_silent` may log what it likes: nobody sees it.
    """

    def __init__(self, server, build, placement, environment=None, prefix=(), is_silent=False):
        self.server = server
        if server.name in TLS_SERVERS:
            make_identity(build)
        variables = dict(os.environ, **(environment or {}))
        if server.selector:
            variables["TIDEMILL_SELECTOR"] = server.selector
        self.process = subprocess.Popen(
            [*prefix, *server.command(build)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL if is_silent else None, env=variables,
            preexec_fn=placement.enter)
        self.pid = self.process.pid
        try:
            self.port = self._announced_port()
        except BaseException:
            self.end()
            raise

    def _announced_port(self):
        output = self.process.stdout
        if not select.select([output], [], [], START_SECONDS)[0]:
            raise Failed(f"{self.server.name} did not start within {START_SECONDS} s")
        line = output.readline().decode(errors="replace").strip()
        if not line.startswith(("listening tcp ", "listening tls ")):
            raise Failed(f"{self.server.name} did not start: {line!r}")
        return int(line.rsplit(":", 1)[1])

    def end(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(how)
            try:
                self.process.wait(timeout=2)
                break
            except subprocess.TimeoutExpired:
                continue
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()
