"""What is measured of TLS: 1.3, AES-128-GCM, one certificate for all servers."""
from .measure import Scenario, active
from .servers import TLS_SERVERS

FLOOR = "tls-floor"
OURS = ("tls_echo", "echo_server-tls")
PEERS = ("asio-tls", "libevent-tls")
COUNTED = ("tls50", "tls_stream", "tls_handshake")  # scenarios
IDLE_CONNECTIONS = 2_000  # each has some kilobytes of OpenSSL


def tls(name, title, client, **more):
    return Scenario(name, title, client, program="tls_load_client", floor=FLOOR,
                    servers=tuple(TLS_SERVERS), **more)


TLS_SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        tls("tls50", "TLS: 50 connections x 64 B", active(50), bar=0.96, counted_messages=20_000),
        tls("tls_stream", "TLS: 10 connections x 64 KiB, two in flight",
            ("--connections", "10", "--bytes", "65536", "--depth", "2"), bar=0.88,
            smallest=True, counted_messages=5_000),
        tls("tls_handshake", "TLS: connect, full handshake, echo, end; 50 at a time",
            (*active(50), "--reconnect"), bar=1.0, counted_messages=1_000),
        tls("tls_resume", "TLS: connect, resumed handshake, echo, end; 50 at a time",
            (*active(50), "--reconnect", "--resume"), bar=1.0, counted_messages=1_000),
        # Its times are what is looked at: nothing else is ready, so nothing is waited for.
        tls("tls_first", "TLS: new connections, one at a time", (*active(1), "--reconnect")),
    )
}
