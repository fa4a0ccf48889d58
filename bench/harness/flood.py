"""How long established connections wait while others shake hands without end."""
import os
import subprocess
from dataclasses import replace

from .measure import Scenario, active, run_client
from .rounds import alone
from .servers import Failed, RunningServer

HANDSHAKES_UNDER_WAY = 64
BEFORE_FLOOD_SECONDS = 0.3  # in which the others establish their connections
FLOODED = Scenario("tls_flood", f"TLS: 50 connections x 64 B, {HANDSHAKES_UNDER_WAY} handshakes "
                   "under way", active(50), program="tls_load_client")


def flood(server, build, placement, seconds, warm_up):
    """The server has the core of all measurements for itself, both clients are on another.

    Not in lockstep: a server that never runs out of work would never let its client run.
    """
    others = sorted(os.sched_getaffinity(0) - {placement.core})
    clients = replace(placement, core=others[0] if placement.core >= 0 and others else -1)
    flooding = replace(clients, priority=clients.priority - 1)
    with alone(placement), RunningServer(server, build, placement, is_silent=True) as running:
        client = subprocess.Popen(
            [os.path.join(build, "bench", "tls_flood"), str(running.port),
             str(HANDSHAKES_UNDER_WAY), str(int(1000 * BEFORE_FLOOD_SECONDS))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, preexec_fn=flooding.enter)
        try:
            report = run_client(build, running, clients, FLOODED, seconds,
                                BEFORE_FLOOD_SECONDS + 2 * warm_up)
            answered = client.communicate("\n", timeout=10)[0]
        except subprocess.TimeoutExpired:
            raise Failed(f"{server.name}: the flood did not end") from None
        finally:
            client.kill()
            client.wait()
    if client.returncode != 0:
        raise Failed(f"{server.name}: the flood failed")
    return {"p50_us": report["p50_us"], "p99_us": report["p99_us"],
            "handshakes": float(answered), "echoes": report["per_second"]}


def median_flood(server, build, placement, rounds, seconds, warm_up):
    """Of several rounds, that with the median of what is judged."""
    found = sorted((flood(server, build, placement, seconds, warm_up) for _ in range(rounds)),
                   key=lambda each: each["p99_us"])
    return found[len(found) // 2]
