"""The arithmetic between reports and tables; nothing is measured here, so that it can be tested."""
from statistics import median

VOID_BELOW = 1.06  # of the floor, for Asio's callback server at 50 connections
OURS = ("tcp_echo", "echo_server")


def ratios(reports, floor_reports):
    """Round by round, the server's norm over the floor's in the same round."""
    return [own["norm"] / floor["norm"] for own, floor in zip(reports, floor_reports)]


def best_ratio(reports, floor_reports):
    """For loads in which a bad server makes its client dearer too: the smallest of each."""
    return (min(report["server_cpu_us"] for report in reports) /
            min(report["server_cpu_us"] for report in floor_reports))


def summarise(reports, floor_reports):
    each = ratios(reports, floor_reports)
    return {
        "ratio": median(each),
        "lowest": min(each),
        "highest": max(each),
        "best": best_ratio(reports, floor_reports),
        "cpu_us": median(report["server_cpu_us"] for report in reports),
        "p50_us": median(report["p50_us"] for report in reports),
        "p99_us": median(report["p99_us"] for report in reports),
        "rounds": len(each),
    }


def summarise_all(reports, floor_label="floor"):
    """label -> summary, for the servers that have rounds; nothing without the floor."""
    floor = reports.get(floor_label)
    return {label: summarise(own, floor) for label, own in reports.items() if own} if floor else {}


def is_void(asio_ratio):
    """Asio asks the system once more than needed for each message. A method that does not see that
    sees nothing."""
    return asio_ratio is None or asio_ratio < VOID_BELOW


def growth_beyond_floor(summaries_by_count, label):
    """How much dearer a message becomes from the fewest to the most connections, over what the
    floor's becomes: the worst of all steps, since the curve need not be monotonous."""
    counts = sorted(summaries_by_count)
    fewest = summaries_by_count[counts[0]][label]["ratio"]
    return max(summaries_by_count[count][label]["ratio"] / fewest for count in counts)
