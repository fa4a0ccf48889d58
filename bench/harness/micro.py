"""Timers, posted closures and coroutine frames, by Google Benchmark; and what an echo server costs
to compile."""
import json
import os
import re
import resource
import subprocess
from pathlib import Path

from .servers import Failed

LIBRARIES = ("tidemill", "libuv", "libevent", "asio")
SOURCES = {
    "tidemill": "examples/tcp_echo.cpp",
    "floor": "bench/raw_epoll_echo.cpp",
    "libuv": "bench/peers/libuv_echo.cpp",
    "libevent": "bench/peers/libevent_echo.cpp",
    "asio": "bench/peers/asio_echo.cpp",
    "asio-coro": "bench/peers/asio_coro_echo.cpp",
}
LONGEST_SECONDS = 300


def cores_of_machine(cores):
    def enter():
        os.sched_setaffinity(0, cores)
    return enter


def run_micro(build, cores, repetitions, timers=0):
    """library -> benchmark -> nanoseconds of CPU per item, the median of all repetitions."""
    found, missing = {}, []
    for library in LIBRARIES:
        program = Path(build) / "bench" / "micro" / f"micro_{library}"
        if not program.exists():
            missing.append(str(program))
            continue
        command = [str(program), *([str(timers)] if timers else []), "--benchmark_format=json",
                   f"--benchmark_repetitions={repetitions}",
                   *(["--benchmark_min_time=0.001"] if timers else [])]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_SECONDS,
                              preexec_fn=cores_of_machine(cores), check=False)
        if done.returncode != 0:
            raise Failed(f"{program}: {done.stderr.strip()}")
        found[library] = medians(json.loads(done.stdout)["benchmarks"])
    return found, missing


def medians(benchmarks):
    if not any(each.get("aggregate_name") == "median" for each in benchmarks):
        chosen = benchmarks  # a single repetition has no aggregates
    else:
        chosen = [each for each in benchmarks if each.get("aggregate_name") == "median"]
    return {each["run_name"].split("/")[0]: 1e9 / each["items_per_second"] for each in chosen}


def compiler_of(build):
    cache = (Path(build) / "CMakeCache.txt").read_text(encoding="utf-8")
    return re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.M)[1]


def compile_seconds(compiler, root, source, times):
    """CPU seconds of the compiler and all that it starts; the best of several."""
    command = [compiler, "-std=c++20", "-O2", "-I", str(root / "include"), "-c",
               str(root / source), "-o", "/dev/null"]
    taken = []
    for _ in range(times):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=LONGEST_SECONDS,
                       env=dict(os.environ, CCACHE_DISABLE="1"))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        taken.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(taken)


def run_compile(build, root, times, names=tuple(SOURCES)):
    compiler = compiler_of(build)
    found, missing = {}, []
    for name in names:
        try:
            found[name] = compile_seconds(compiler, root, SOURCES[name], times)
        except subprocess.CalledProcessError:
            missing.append(f"{name} ({SOURCES[name]} does not compile here)")
    return found, missing
