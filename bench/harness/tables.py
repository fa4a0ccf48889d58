"""Markdown of the figures, and the places in docs/performance.md where it goes."""
import re

from . import threads, udp
from .bars import bars
from .figures import VOID_BELOW, is_void
from .measure import GROWTH, LINEAR, SCENARIOS
from .servers import SERVERS, TLS_SERVERS
from .tls import TLS_SCENARIOS

TIMED = {**SCENARIOS, **TLS_SCENARIOS}
NONE = "–"


def cell(value, digits=3):
    if value is None:
        return NONE
    return f"{round(value, digits) + 0.0:,.{digits}f}"  # never -0


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|---" + "|---:" * (len(head) - 1) + "|"]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def bold_if_ours(name):
    return f"**{name}**" if "echo" in name else name


def ratio_table(data):
    counts, memory = data.get("counts") or {}, data.get("memory") or {}
    rows = []
    for name in SERVERS:
        row = [bold_if_ours(name)]
        for stage, scenario in SCENARIOS.items():
            own = (data.get(stage) or {}).get(name, {})
            row.append(cell(own.get("best" if scenario.smallest else "ratio")))
        row += [cell(counts.get("echo50", {}).get(name, {}).get("calls"), 2),
                cell(counts.get("connect", {}).get(name, {}).get("calls"), 2),
                cell(counts.get("echo50", {}).get(name, {}).get("allocations"), 2),
                cell(memory.get(name), 0)]
        if any(field != NONE for field in row[1:]):
            rows.append(row)
    head = ["server", "50", "1,000", "1,000 + 10,000 idle", "10 x 64 KiB, best", "connect",
            "calls/message", "calls/connection", "allocations/message", "bytes/idle connection"]
    return table(head, rows)


def detail_table(data):
    rows = []
    for stage, scenario in TIMED.items():
        for name, own in (data.get(stage) or {}).items():
            rows.append([scenario.title, bold_if_ours(name), cell(own["cpu_us"], 2),
                         f"{own['lowest']:.3f} to {own['highest']:.3f}", str(own["rounds"]),
                         cell(own["p50_us"], 0), cell(own["p99_us"], 0)])
    return table(["scenario", "server", "CPU µs/message", "ratio, all rounds", "rounds", "p50 µs",
                  "p99 µs"], rows)


def call_table(data):
    rows = []
    for stage, servers in {**(data.get("counts") or {}), **(data.get("tls_counts") or {})}.items():
        for name, own in servers.items():
            by_name = sorted(own["by_name"].items(), key=lambda item: -item[1])
            shown = ", ".join(f"{call} {each:.2f}" for call, each in by_name if each >= 0.005)
            rows.append([TIMED[stage].title, bold_if_ours(name), cell(own["calls"], 2),
                         cell(own["allocations"], 2), shown])
    return table(["scenario", "server", "calls/message", "allocations/message", "which"], rows)


def tls_table(data):
    counts, memory = data.get("tls_counts") or {}, data.get("tls_memory") or {}

    def counted(scenario, name, key):
        return cell(counts.get(scenario, {}).get(name, {}).get(key), 2)

    rows = []
    for name in TLS_SERVERS:
        row = [bold_if_ours(name)]
        for stage, scenario in TLS_SCENARIOS.items():
            own = (data.get(stage) or {}).get(name, {})
            if stage == "tls_first":
                row.append(cell(own.get("p50_us"), 0))
            else:
                row.append(cell(own.get("best" if scenario.smallest else "ratio")))
        row += [counted("tls50", name, "calls"), counted("tls_stream", name, "calls"),
                counted("tls_handshake", name, "calls"), counted("tls50", name, "allocations"),
                cell(memory.get(name), 0)]
        if any(field != NONE for field in row[1:]):
            rows.append(row)
    return table(["server", "50 x 64 B", "10 x 64 KiB, best", "handshake", "resumed",
                  "first echo, µs", "calls, 64 B", "calls, 64 KiB", "calls, handshake",
                  "allocations, 64 B", "bytes/idle connection"], rows)


def flood_table(data):
    quiet = data.get("tls50") or {}
    rows = [[bold_if_ours(name), cell(quiet.get(name, {}).get("p99_us"), 0),
             cell(own["p50_us"], 0), cell(own["p99_us"], 0), cell(own["handshakes"], 0),
             cell(own["echoes"], 0)]
            for name, own in (data.get("tls_flood") or {}).items()]
    return table(["server", "p99 without, µs", "p50, µs", "p99, µs", "handshakes/s", "echoes/s"],
                 rows)


def growth_table(data):
    rows = []
    growth = data.get("growth") or {}
    for scenario in GROWTH:
        count = scenario.name.removeprefix("growth")
        own = growth.get(count, {})
        if own:
            rows.append([f"{int(count):,}", cell(own["floor"]["cpu_us"], 2),
                         cell(own.get("tcp_echo", {}).get("cpu_us"), 2),
                         cell(own.get("tcp_echo", {}).get("ratio"))])
    return table(["active connections", "floor, CPU µs", "tcp_echo, CPU µs", "ratio"], rows)


def selector_table(data):
    rows = [[bold_if_ours(name), cell(own["cpu_us"], 2), cell(own["ratio"])]
            for name, own in (data.get(LINEAR.name) or {}).items()]
    return table([LINEAR.title, "CPU µs/message", "ratio"], rows)


def micro_table(data):
    micro = data.get("micro") or {}
    names = sorted({name for own in micro.values() for name in own})
    rows = [[name.replace("_", " ")] + [cell(own.get(name), 1) for own in micro.values()]
            for name in names]
    return table(["ns of CPU", *micro], rows)


def compile_table(data):
    found = data.get("compile") or {}
    return table(["", *found], [["CPU seconds", *(cell(value, 2) for value in found.values())]])


def udp_table(data):
    return table(udp.HEAD, [[bold_if_ours(name), *(cell(value) for value in row)]
                            for name, row in udp.rows(data)])


def threads_table(data):
    def shown(value):
        return f"{value[0]:.3f} to {value[1]:.3f}" if isinstance(value, tuple) else cell(value)

    return table(threads.HEAD, [[bold_if_ours(name), *(shown(value) for value in row)]
                                for name, row in threads.rows(data)])


def bar_table(data):
    return table(["what", "bar", "found", ""],
                 [[bar.what, f"≤ {bar.most:g}", cell(bar.found, bar.digits), bar.verdict]
                  for bar in bars(data)])


def void_note(data):
    ratio = (data.get("echo50") or {}).get("asio", {}).get("ratio")
    if ratio is None:
        return "**Void:** Asio's server was not measured at 50 connections, so nothing shows " \
               "that the method sees what it should."
    if is_void(ratio):
        return f"**Void:** Asio's callback server came out at {ratio:.3f}, below {VOID_BELOW}."
    return f"Asio's callback server came out at {ratio:.3f} (void below {VOID_BELOW})."


def origin_note(records):
    runs = {record["run"] for record in records.values()}
    programs = {record["programs"] for record in records.values()}
    commands = {record["command"] for record in records.values()}
    if len(runs) <= 1 and len(programs) <= 1:
        continued = f", continued by {len(commands) - 1} more commands" if len(commands) > 1 else ""
        return f"All tables are of one run{continued}."
    apart = "the same programs" if len(programs) == 1 else "**different programs**"
    parts = [f"{run}: " + ", ".join(stage for stage, r in records.items() if r["run"] == run)
             for run in sorted(runs)]
    return f"The tables are of {len(runs)} run(s) of {apart} ({'; '.join(parts)})."


def machine_table(records, machine):
    lines = [f"- {name}: {value}" for name, value in machine.items()]
    commands = sorted({record["command"] for record in records.values()})
    lines.append("- command: " + ", ".join(f"`{command}`" for command in commands))
    return "\n".join(lines)


def gap_note(records):
    """What could not be measured, in whichever stage."""
    gaps = {gap for record in records.values() for gap in record.get("gaps", ())}
    return "Nothing was missing." if not gaps else "**Missing:** " + "; ".join(sorted(gaps)) + "."


def blocks(records, machine):
    """name -> markdown; the names are those of the markers."""
    data = {stage: record["data"] for stage, record in records.items()}
    return {
        "machine": "\n\n".join([machine_table(records, machine), void_note(data),
                                origin_note(records), gap_note(records)]),
        "bars": bar_table(data),
        "ratios": ratio_table(data),
        "details": detail_table(data),
        "calls": call_table(data),
        "growth": growth_table(data),
        "selectors": selector_table(data),
        "udp": udp_table(data),
        "threads": threads_table(data),
        "micro": micro_table(data),
        "compile": compile_table(data),
        "tls": tls_table(data),
        "flood": flood_table(data),
    }


def write_into(text, found):
    """Replaces what stands between the markers of each block; a block without markers is an error,
    since its table would be lost without a word."""
    for name, content in found.items():
        begin, end = f"<!-- bench:begin {name} -->", f"<!-- bench:end {name} -->"
        pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.S)
        if not pattern.search(text):
            raise ValueError(f"no markers for {name}")
        text = pattern.sub(lambda _: f"{begin}\n{content}\n{end}", text)
    return text
