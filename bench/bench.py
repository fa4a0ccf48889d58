#!/usr/bin/env python3
"""Measures tidemill's echo servers, a hand-written one (the floor) and the peers, in one run.

    python3 bench/bench.py --only echo50,echo1000 --servers floor,tcp_echo,asio --rounds 5
    python3 bench/bench.py --compare BUILD_A BUILD_B --only echo50

docs/performance.md says how it is measured and why.
"""
import argparse
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness.figures import summarise  # noqa: E402
from harness.measure import GROWTH, SCENARIOS  # noqa: E402
from harness.rounds import run_rounds  # noqa: E402
from harness.servers import SERVERS, find_placement  # noqa: E402

ALL = {**SCENARIOS, **{scenario.name: scenario for scenario in GROWTH}}


def say(text=""):
    print(text, flush=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default="build/release", help="build directory")
    parser.add_argument("--only", default="echo50", help="scenarios: " + ", ".join(ALL))
    parser.add_argument("--servers", default="", help="of: " + ", ".join(SERVERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.8)
    parser.add_argument("--warm-up", type=float, default=0.2)
    parser.add_argument("--compare", nargs=2, metavar=("BUILD_A", "BUILD_B"),
                        help="servers of two build directories beside the floor of the first")
    return parser.parse_args()


def entries_of(options):
    if options.compare:
        first, second = options.compare
        names = options.servers.split(",") if options.servers else ["tcp_echo"]
        return [("floor", SERVERS["floor"], first)] + [
            (f"{which}: {name}", SERVERS[name], build)
            for name in names if name != "floor"
            for which, build in (("A", first), ("B", second))]
    names = options.servers.split(",") if options.servers else list(SERVERS)
    return [(name, SERVERS[name], options.build) for name in names]


def show(scenario, reports):
    floor = reports["floor"]
    say(f"\n{scenario.title}")
    say(f"    {'':24} {'ratio':>6} {'rounds from..to':>16} {'best':>6} {'CPU us':>8} "
        f"{'p50 us':>8} {'p99 us':>8}")
    for label, own in reports.items():
        if not own:
            say(f"    {label:24} no complete round")
            continue
        s = summarise(own, floor)
        say(f"    {label:24} {s['ratio']:6.3f} {s['lowest']:8.3f}..{s['highest']:6.3f} "
            f"{s['best']:6.3f} {s['cpu_us']:8.3f} {s['p50_us']:8.1f} {s['p99_us']:8.1f}")


def main():
    options = arguments()
    placement = find_placement()
    for note in placement.notes:
        say(f"note: {note}")
    for name in options.only.split(","):
        entries = entries_of(options)
        for label, server, build in entries:
            if not server.is_built(build):
                say(f"missing: {label} ({server.command(build)[0]})")
        entries = [entry for entry in entries if entry[1].is_built(entry[2])]
        reports, _ = run_rounds(entries, ALL[name], placement, options.rounds, options.seconds,
                                options.warm_up, say)
        show(ALL[name], reports)


if __name__ == "__main__":
    main()
