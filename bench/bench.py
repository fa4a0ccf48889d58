#!/usr/bin/env python3
"""Measures tidemill's echo servers, a hand-written one (the floor) and the peers, in one run.

    python3 bench/bench.py                                  all of it, into docs/performance.md
    python3 bench/bench.py --only echo50,echo1000 --servers floor,tcp_echo,asio --rounds 5
    python3 bench/bench.py --compare BUILD_A BUILD_B --only echo50
    python3 bench/bench.py --smoke                          each program for a moment, no figures

docs/performance.md says how it is measured and why. Exit status: 1 if something could not be
measured, 3 if the run is void.
"""
import argparse
import os
import shlex
import sys
import time
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from harness import store, tables, threads, udp  # noqa: E402
from harness.counts import find_counter  # noqa: E402
from harness.figures import is_void, summarise_all  # noqa: E402
from harness.measure import GROWTH, LINEAR, SCENARIOS  # noqa: E402
from harness.micro import SOURCES, compiler_of  # noqa: E402
from harness.rounds import run_rounds  # noqa: E402
from harness.servers import EVERY_SERVER, Placement, find_placement  # noqa: E402
from harness.stages import ROOT, STAGES, Run, run_stage  # noqa: E402
from harness.tls import TLS_SCENARIOS  # noqa: E402

EVERY_SCENARIO = {**SCENARIOS, **TLS_SCENARIOS,
                  **{scenario.name: scenario for scenario in (*GROWTH, LINEAR)}}
VOID = 3


def say(text=""):
    print(text, flush=True)


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=str(ROOT / "build/release"), help="build directory")
    parser.add_argument("--only", default="", help="of the stages: " + ", ".join(STAGES))
    parser.add_argument("--servers", default="", help="of: " + ", ".join(EVERY_SERVER))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="for each server and round")
    parser.add_argument("--warm-up", type=float, default=0.15)
    parser.add_argument("--quick", action="store_true", help="3 short rounds, to look at only")
    parser.add_argument("--smoke", action="store_true", help="does everything still work?")
    parser.add_argument("--continue", dest="goes_on", action="store_true",
                        help="these stages belong to the run before")
    parser.add_argument("--compare", nargs=2, metavar=("BUILD_A", "BUILD_B"),
                        help="servers of two build directories beside the floor of the first")
    parser.add_argument("--results", default=str(ROOT / "build/bench"))
    parser.add_argument("--document", default=str(ROOT / "docs/performance.md"))
    options = parser.parse_args()
    for name, known in (("only", EVERY_SCENARIO if options.compare else STAGES),
                        ("servers", EVERY_SERVER)):
        unknown = [word for word in getattr(options, name).split(",") if word and word not in known]
        if unknown:
            parser.error(f"--{name}: unknown: {', '.join(unknown)}; there are: {', '.join(known)}")
    # ./dev adds where it builds, which is nobody's choice.
    options.shown = [word for word in sys.argv[1:] if not word.startswith("--build=")]
    options.most_messages, options.growth_steps, options.timers = 1_000_000, len(GROWTH), 0
    options.compiled, options.tls_counted = tuple(SOURCES), None
    if options.quick:
        options.rounds, options.seconds, options.warm_up = 3, 0.3, 0.1
    if options.smoke:
        options.rounds, options.seconds, options.warm_up = 1, 0.02, 0.0
        options.most_messages, options.growth_steps, options.timers = 300, 2, 1000
        options.compiled, options.tls_counted = ("floor",), 1
    return options


def compare(options, placement):
    """Two builds of the library, or of anything, beside one floor."""
    for stage in (options.only or "echo50").split(","):
        scenario = EVERY_SCENARIO[stage]
        default = "tcp_echo" if scenario.floor == "floor" else "tls_echo"
        names = [name for name in (options.servers or default).split(",") if name != scenario.floor]
        entries = [(scenario.floor, EVERY_SERVER[scenario.floor], options.compare[0])] + [
            (f"{which}: {name}", EVERY_SERVER[name], build)
            for name in names for which, build in zip("AB", options.compare)]
        reports, _ = run_rounds(entries, scenario, placement, options.rounds, options.seconds,
                                options.warm_up, say)
        show(scenario.title, summarise_all(reports, scenario.floor))


def show(title, summaries):
    say(f"\n{title}")
    say(f"    {'':24} {'ratio':>6} {'rounds from..to':>16} {'best':>6} {'CPU us':>8} "
        f"{'p50 us':>8} {'p99 us':>8}")
    for label, s in summaries.items():
        say(f"    {label:24} {s['ratio']:6.3f} {s['lowest']:8.3f}..{s['highest']:6.3f} "
            f"{s['best']:6.3f} {s['cpu_us']:8.3f} {s['p50_us']:8.1f} {s['p99_us']:8.1f}")


def show_stage(stage, data):
    if stage in EVERY_SCENARIO:
        show(EVERY_SCENARIO[stage].title, data)
    elif stage in udp.SCENARIOS:
        show(udp.SCENARIOS[stage].title, data)
    elif stage in threads.SCENARIOS:
        show(threads.SCENARIOS[stage].title, data)
    elif stage == "growth":
        for count, summaries in data.items():
            show(f"{int(count):,} active connections", summaries)
    else:
        one = {"counts": tables.call_table, "memory": tables.ratio_table,
               "tls_counts": tables.call_table, "tls_memory": tables.tls_table,
               "tls_flood": tables.flood_table,
               "micro": tables.micro_table, "compile": tables.compile_table}[stage]
        say(f"\n{stage}\n{one({stage: data})}")


def run_stages(options, run, results):
    programs = store.fingerprint(options.build)
    run_id = (options.goes_on and store.last_run(results)) or store.new_run_id()
    command = shlex.join(["./dev", "bench", *options.shown])
    for stage in (options.only.split(",") if options.only else STAGES):
        start = time.monotonic()
        data = run_stage(run, stage)
        gaps = run.take_gaps()
        show_stage(stage, data)
        say("".join(f"    missing: {gap}\n" for gap in gaps) +
            f"    ({stage}: {time.monotonic() - start:.0f} s)")
        store.save(results, stage, run_id, programs, command, data, gaps)


def report(options, run, results):
    """Writes the tables and tells whether they may be believed."""
    records = store.load_all(results)
    machine = store.machine(compiler_of(options.build), run.placement)
    if run.counter:
        machine["calls counted by"] = run.counter.name
    found = tables.blocks(records, machine)
    say(f"\n{found['bars']}\n\n{found['machine']}")
    document = Path(options.document)
    if not (options.quick or options.smoke or options.servers):
        document.write_text(tables.write_into(document.read_text(encoding="utf-8"), found),
                            encoding="utf-8")
        say(f"\nwritten: {document}")
    else:
        tables.write_into(document.read_text(encoding="utf-8"), found)
        say("\nnothing is written: the whole of it was not measured at full length")
    asio = records.get("echo50", {}).get("data", {}).get("asio", {}).get("ratio")
    if not options.smoke and "echo50" in (options.only or "echo50") and is_void(asio):
        say("\n*** THIS RUN IS VOID *** " + tables.void_note(
            {"echo50": records.get("echo50", {}).get("data")}))
        return VOID
    return 1 if run.failed else 0


def main():
    options = arguments()
    placement = Placement() if options.smoke else find_placement()
    for note in placement.notes:
        say(f"note: {note}")
    if options.compare:
        return compare(options, placement)
    run = Run(options, placement, find_counter(), say)
    results = Path(options.results)
    run_stages(options, run, results)
    return report(options, run, results)


if __name__ == "__main__":
    sys.exit(main())
