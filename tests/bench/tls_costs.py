#!/usr/bin/env python3
"""What TLS costs, in counts that have no noise: no time is asserted.

    tls_costs.py BUILD_DIRECTORY

TIDEMILL_SELECTOR names the selector. Exit status 77: skipped, because nothing can be traced here.
OpenSSL's own share is what the hand-written server on OpenSSL has in the same test.
"""
import sys
from dataclasses import replace

from costs import AT_THE_ENDS, MOST_CALLS_PER_MESSAGE, MOST_WAITS_PER_MESSAGE, main, split

from harness import counts  # noqa: E402
from harness.servers import TLS_SERVERS, Placement  # noqa: E402
from harness.tls import FLOOR, OURS, TLS_SCENARIOS  # noqa: E402

MESSAGES = 2_000
LARGE_MESSAGES = 400
SENDS = ("sendto", "sendmsg", "write", "writev")
RECEIVES = ("recvfrom", "recvmsg", "read", "readv")
IDLE_CONNECTIONS = 800  # select has a limit
# What the library costs today; a change that makes it cheaper lowers its figure here. The bytes are
# OpenSSL's for the most part; the buffers of records, 34 KiB, would not fit in.
MOST_BYTES_PER_IDLE_CONNECTION = {"epoll": 18_500, "poll": 18_500, "select": 18_500, "uv": 19_000}


def count(build, server, scenario, messages):
    return counts.count(server, build, TLS_SCENARIOS[scenario], Placement(), counts.StraceCounter,
                        messages)


def check_messages(checks, build, server, floor):
    name = server.name
    message = count(build, server, "tls50", MESSAGES)
    calls, _, waits = split(message)
    claim = "a TLS message costs two system calls and its share of a wait"
    checks.at_most(claim, f"{name}: calls per message", calls, MOST_CALLS_PER_MESSAGE + AT_THE_ENDS)
    checks.at_most(claim, f"{name}: waits per message", waits, MOST_WAITS_PER_MESSAGE + AT_THE_ENDS)
    # Once in a while a pool grows, which no message pays for.
    checks.at_most("a TLS message costs no allocation beyond OpenSSL's own",
                   f"{name}: allocations per message", message["allocations"],
                   floor["allocations"] + AT_THE_ENDS)
    # In how many pieces 64 KiB come depends on the machine; each is answered by one send, and by
    # one more when what is pending has reached its limit, which is 64 KiB too.
    calls = count(build, server, "tls_stream", LARGE_MESSAGES)["by_name"]
    sends = sum(calls.get(call, 0) for call in SENDS)
    receives = sum(calls.get(call, 0) for call in RECEIVES)
    checks.at_most("what one receive has brought is not sent record by record",
                   f"{name}: sends per 64 KiB, beyond receives", sends - receives,
                   1 + AT_THE_ENDS)


def check_all(build, selector, checks):
    floor = count(build, TLS_SERVERS[FLOOR], "tls50", MESSAGES)
    for name in OURS:
        server = replace(TLS_SERVERS[name], selector=selector)
        check_messages(checks, build, server, floor)
        used = counts.bytes_per_idle_connection(server, build, Placement(), IDLE_CONNECTIONS,
                                                TLS_SCENARIOS["tls_stream"])
        checks.at_most("an idle TLS connection keeps no buffers of records",
                       f"{name}: bytes per idle connection", used,
                       MOST_BYTES_PER_IDLE_CONNECTION[selector])


if __name__ == "__main__":
    sys.exit(main(check_all))
