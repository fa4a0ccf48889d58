"""Figures without noise: system calls, allocations, bytes of an idle connection.

Taken in passes of their own, since counting costs time. The first load makes everything warm, and
the second one is counted.
"""
import contextlib
import functools
import os
import re
import select
import signal
import struct
import subprocess
import tempfile
import time
from pathlib import Path

from .measure import SCENARIOS, run_client
from .rounds import alone
from .servers import IDLE_STREAMS, Failed, RunningServer

WARM_MESSAGES = 1_000
COUNTED = ("echo50", "stream", "connect")  # scenarios
LONGEST_SECONDS = 60
IDLE_CONNECTIONS = 10_000
CALLS = """
    accept accept4 brk clock_gettime close epoll_ctl epoll_pwait epoll_pwait2 epoll_wait fcntl futex
    getpeername getsockname getsockopt io_uring_enter ioctl madvise mmap munmap poll ppoll pselect6
    read readv recvfrom recvmsg select sendmsg sendto setsockopt shutdown write writev
    """.split()


def messages(count):
    return ("--messages", str(count))


def load(build, running, placement, scenario, count, prefix=()):
    return run_client(build, running, placement, scenario, LONGEST_SECONDS, 0,
                      messages(count), prefix)


def wait_for_last_connection(port):
    """Returns when the server holds, and is offered, no connection any more.

    The client may leave before the server has closed the last connections, and what that costs
    would be counted in the next load, or nowhere.
    """
    latest = time.monotonic() + 5
    while holds_connections(port):
        if time.monotonic() > latest:
            raise Failed("the server keeps connections whose client has gone")
        time.sleep(0.001)


def holds_connections(port):
    """Established ones, and those that only the client has closed."""
    open_states = ("01", "08")
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
            _, local, _, state = line.split()[:4]
            if state in open_states and int(local.rsplit(":", 1)[1], 16) == port:
                return True
    return False


class PerfCounter:
    """A tracepoint of the kernel, which keeps the server in lockstep with its client.

    One tracepoint with a filter for each call, since a tracepoint of its own for each takes the
    kernel a second to switch on.
    """

    name = "kernel tracepoints (perf stat)"
    EVENT = "raw_syscalls:sys_enter"

    @classmethod
    def works(cls):
        try:
            done = subprocess.run(["perf", "stat", "-e", cls.EVENT, "true"], capture_output=True,
                                  text=True, check=False)
        except FileNotFoundError:
            return False
        return done.returncode == 0 and re.search(r"[1-9]\d*\s+raw_syscalls", done.stderr)

    @classmethod
    def count(cls, build, running, placement, scenario, count):
        numbers = numbers_of_calls()
        command = ["perf", "stat", "-x,", "-e", cls.EVENT]
        for number in numbers.values():
            command += ["-e", cls.EVENT, "--filter", f"id=={number}"]
        with tempfile.NamedTemporaryFile("r") as output:
            report = load(build, running, placement, scenario, count,
                          [*command, "-o", output.name, "-p", str(running.pid), "--"])
            lines = [line.split(",") for line in output.read().splitlines() if cls.EVENT in line]
        if len(lines) != len(numbers) + 1 or not all(line[0].isdigit() for line in lines):
            raise Failed(f"{running.server.name}: perf counted nothing")
        return report, dict(zip(("total", *numbers), (int(line[0]) for line in lines)))


@functools.cache
def numbers_of_calls():
    """name -> number on this machine, for those that it has."""
    done = subprocess.run(["cc", "-E", "-dM", "-"], input="#include <sys/syscall.h>\n", text=True,
                          capture_output=True, check=True)
    known = dict(re.findall(r"#define __NR_(\w+) (\d+)", done.stdout))
    return {call: int(known[call]) for call in CALLS if call in known}


class StraceCounter:
    """The same by ptrace, where tracepoints are not to be had; slower, the counts agree."""

    name = "strace -c"

    @staticmethod
    def works():
        try:
            return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True,
                                  check=False).returncode == 0
        except FileNotFoundError:
            return False

    @staticmethod
    def count(build, running, placement, scenario, count):
        with tempfile.NamedTemporaryFile("r") as output:
            tracer = subprocess.Popen(
                ["strace", "-f", "-c", "-U", "calls,name", "-o", output.name,
                 "-p", str(running.pid)], stderr=subprocess.PIPE)
            try:
                if not select.select([tracer.stderr], [], [], 5)[0]:
                    raise Failed("strace did not attach")
                report = load(build, running, placement, scenario, count)
                wait_for_last_connection(running.port)
            finally:
                tracer.send_signal(signal.SIGINT)
                tracer.wait(timeout=10)
                tracer.stderr.close()
            found = {}
            for line in output.read().splitlines():
                fields = line.split()
                if len(fields) == 2 and fields[0].isdigit():
                    found[fields[1]] = int(fields[0])
        return report, found


def find_counter():
    return next((counter for counter in (PerfCounter, StraceCounter) if counter.works()), None)


def allocations_of(file):
    file.seek(0)
    return struct.unpack("=Q", file.read(8))[0]


def count(server, build, scenario, placement, counter, most_messages=1_000_000):
    """System calls by name and allocations, each per message.

    Counted over a short load and over a long one; the difference is free of what the client's
    coming and going costs.
    """
    short = min(WARM_MESSAGES, most_messages)
    counts = []
    with allocation_file() as file, alone(placement):
        preload = os.path.abspath(os.path.join(build, "bench", "count_allocations.so"))
        environment = {"LD_PRELOAD": preload, "TIDEMILL_COUNT_FILE": file.name}
        with RunningServer(server, build, placement, environment) as running:
            load(build, running, placement, scenario, short)
            wait_for_last_connection(running.port)
            for wanted in (short, short + min(scenario.counted_messages, most_messages)):
                before = allocations_of(file)
                if before == 0:
                    raise Failed(f"{server.name}: allocations are not counted")
                report, calls = counter.count(build, running, placement, scenario, wanted)
                counts.append((report["messages"], allocations_of(file) - before, calls))
    return per_message(*counts)


def per_message(fewer, more):
    """Of two counted loads, (messages, allocations, calls by name) each."""
    messages = more[0] - fewer[0]
    by_name = {name: (number - fewer[2].get(name, 0)) / messages
               for name, number in more[2].items()}
    return {"calls": by_name.pop("total"), "by_name": by_name,
            "allocations": (more[1] - fewer[1]) / messages, "messages": messages}


@contextlib.contextmanager
def allocation_file():
    with tempfile.NamedTemporaryFile("r+b", buffering=0) as file:
        file.write(bytes(8))
        yield file


def resident_bytes(pid):
    """Memory of its own; the counters in `status` are only brought up to date now and then.

    Pages of program files are left out: they turn from shared to private whenever another process
    that runs the same file ends.
    """
    text = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return 1024 * int(re.search(r"^Anonymous:\s+(\d+)", text, re.M)[1])


def bytes_per_idle_connection(server, build, placement, connections=IDLE_CONNECTIONS,
                              large=SCENARIOS["stream"], warm=WARM_MESSAGES):
    """How the server grows with connections that have been answered once and then stay silent.

    Its buffers belong to no connection, so a load of large messages has touched them before.
    """
    with alone(placement), RunningServer(server, build, placement) as running:
        if server.name != IDLE_STREAMS.name:  # which holds what comes, and serves nobody twice
            load(build, running, placement, large, warm)
        before = resident_bytes(running.pid)
        client = subprocess.Popen(
            [os.path.join(build, "bench", large.program), str(running.port), "--connections", "1",
             "--idle", str(connections - 1), "--bytes", "64", "--hold", *placement.client()],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            if not select.select([client.stdout], [], [], LONGEST_SECONDS)[0]:
                raise Failed(f"{server.name}: {connections} connections were not made in time")
            if not client.stdout.readline().startswith(b"holding"):
                raise Failed(f"{server.name}: not all of {connections} connections were answered")
            time.sleep(0.05)
            return (resident_bytes(running.pid) - before) / connections
        finally:
            client.stdin.close()
            try:
                client.wait(timeout=10)
            except subprocess.TimeoutExpired:
                client.kill()
                client.wait()
            client.stdout.close()
