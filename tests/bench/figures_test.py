"""The arithmetic between measurements and tables, on figures that were chosen: bench/harness.

The claims are the names of the tests; those that docs/behaviour.md would quote are in the report.
"""
import os
import sys
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../bench"))

from harness import bars, counts, figures, tables  # noqa: E402
from harness.measure import SCENARIOS  # noqa: E402
from harness.rounds import rotated  # noqa: E402


def report(server_us, client_us, p50=1.0, p99=2.0):
    return {"server_cpu_us": server_us, "client_cpu_us": client_us, "p50_us": p50, "p99_us": p99,
            "norm": server_us / client_us}


FLOOR = [report(5, 5), report(8, 8), report(6, 5)]
OTHER = [report(5.5, 5), report(8, 8), report(7.8, 5)]  # 1.1, 1.0 and 1.3 of the floor


def record(run="a", programs="p", gaps=()):
    return {"run": run, "programs": programs, "command": "./dev bench", "data": {}, "gaps": gaps}


class Figures(unittest.TestCase):
    def test_a_slow_round_does_not_change_a_ratio(self):
        slow = [report(50, 50), *FLOOR[1:]], [report(55, 50), *OTHER[1:]]
        self.assertAlmostEqual(figures.summarise(slow[1], slow[0])["ratio"],
                               figures.summarise(OTHER, FLOOR)["ratio"])

    def test_the_ratio_is_the_median_of_rounds_and_its_spread_is_told(self):
        found = figures.summarise(OTHER, FLOOR)
        self.assertAlmostEqual(found["ratio"], 1.1)
        self.assertAlmostEqual(found["lowest"], 1.0)
        self.assertAlmostEqual(found["highest"], 1.3)
        self.assertEqual(found["rounds"], 3)

    def test_best_compares_the_smallest_of_each_whatever_the_client_took(self):
        dear_client = [report(5.5, 50), report(9, 90)]
        self.assertAlmostEqual(figures.best_ratio(dear_client, FLOOR), 1.1)

    def test_servers_without_rounds_and_rounds_without_floor_give_nothing(self):
        self.assertEqual(list(figures.summarise_all({"floor": FLOOR, "asio": []})), ["floor"])
        self.assertEqual(figures.summarise_all({"asio": OTHER, "floor": []}), {})

    def test_a_run_in_which_asio_is_cheap_or_absent_is_void(self):
        self.assertTrue(figures.is_void(1.0599))
        self.assertTrue(figures.is_void(None))
        self.assertFalse(figures.is_void(1.06))
        self.assertIn("Void", tables.void_note({"echo50": {"asio": {"ratio": 1.02}}}))
        self.assertIn("Void", tables.void_note({}))
        self.assertNotIn("Void", tables.void_note({"echo50": {"asio": {"ratio": 1.1}}}))

    def test_growth_is_the_worst_step_over_the_fewest_connections(self):
        steps = {10: {"x": {"ratio": 1.0}}, 100: {"x": {"ratio": 1.2}}, 1000: {"x": {"ratio": 1.1}}}
        self.assertAlmostEqual(figures.growth_beyond_floor(steps, "x"), 1.2)

    def test_what_the_clients_coming_and_going_costs_is_no_part_of_a_message(self):
        setup = {"total": 200, "accept4": 100}
        fewer = (1000, 7, {name: number + 2 * 1000 for name, number in setup.items()})
        more = (5000, 7, {name: number + 2 * 5000 for name, number in setup.items()})
        found = counts.per_message(fewer, more)
        self.assertEqual(found["calls"], 2)
        self.assertEqual(found["by_name"], {"accept4": 2})
        self.assertEqual(found["allocations"], 0)

    def test_every_server_has_every_place_in_the_order_once(self):
        orders = [rotated(["a", "b", "c"], by) for by in range(3)]
        for place in range(3):
            self.assertEqual({order[place] for order in orders}, {"a", "b", "c"})


class Verdicts(unittest.TestCase):
    def verdict(self, data, what):
        return next(bar.verdict for bar in bars.bars(data) if what in bar.what)

    def test_a_bar_is_judged_by_the_worse_of_both_servers(self):
        what = SCENARIOS["echo50"].title
        good, bad = {"ratio": 1.01, "best": 1.0}, {"ratio": 1.03, "best": 1.0}
        self.assertEqual(self.verdict({"echo50": {"tcp_echo": good, "echo_server": good}}, what),
                         "met")
        self.assertEqual(self.verdict({"echo50": {"tcp_echo": good, "echo_server": bad}}, what),
                         "**not met**")

    def test_a_server_that_was_not_measured_meets_no_bar(self):
        what = SCENARIOS["echo50"].title
        self.assertEqual(self.verdict({"echo50": {"tcp_echo": {"ratio": 1.0}}}, what),
                         "not measured")
        self.assertEqual({bar.verdict for bar in bars.bars({})}, {"not measured"})

    def test_streams_are_judged_by_the_smallest_of_all_rounds(self):
        own = {"ratio": 0.99, "best": 0.8}
        self.assertEqual(self.verdict({"stream": {"tcp_echo": own, "echo_server": own}},
                                      SCENARIOS["stream"].title), "met")

    def test_tls_is_judged_beyond_openssls_own_allocations_and_by_the_better_peer(self):
        counts = {name: {"calls": 2, "allocations": 4} for name in
                  ("tls-floor", "tls_echo", "echo_server-tls")}
        what = "beyond OpenSSL's own"
        self.assertEqual(self.verdict({"tls_counts": {"tls50": counts}}, what), "met")
        counts["tls_echo"] = {"calls": 2, "allocations": 4.1}
        self.assertEqual(self.verdict({"tls_counts": {"tls50": counts}}, what), "**not met**")
        flood = {"tls_echo": {"p99_us": 5}, "echo_server-tls": {"p99_us": 6},
                 "asio-tls": {"p99_us": 7}, "libevent-tls": {"p99_us": 100}}
        what = "p99 in a flood"
        self.assertEqual(self.verdict({"tls_flood": flood}, what), "met")
        flood["asio-tls"] = {"p99_us": 5.5}
        self.assertEqual(self.verdict({"tls_flood": flood}, what), "**not met**")

    def test_what_is_shown_is_what_is_judged(self):
        self.assertEqual(bars.Bar("", 1.02, 1.0204).verdict, "met")
        self.assertEqual(bars.Bar("", 1.02, 1.0206).verdict, "**not met**")
        self.assertEqual(bars.Bar("", 0, 0.004, 2).verdict, "met")
        self.assertEqual(bars.Bar("", 0, 0.006, 2).verdict, "**not met**")


class Document(unittest.TestCase):
    TEXT = "before\n<!-- bench:begin x -->\nold\n<!-- bench:end x -->\nafter\n"

    def test_only_what_stands_between_the_markers_is_replaced(self):
        once = tables.write_into(self.TEXT, {"x": r"new \1"})
        self.assertIn("\nnew \\1\n", once)
        self.assertNotIn("old", once)
        self.assertTrue(once.startswith("before\n") and once.endswith("after\n"))
        self.assertEqual(tables.write_into(once, {"x": r"new \1"}), once)

    def test_a_table_without_its_place_is_an_error(self):
        with self.assertRaises(ValueError):
            tables.write_into(self.TEXT, {"y": "lost"})

    def test_tables_of_several_runs_or_programs_say_so(self):
        one = {"echo50": record(), "stream": record()}
        self.assertIn("one run", tables.origin_note(one))
        two = {"echo50": record(), "stream": record(run="b")}
        self.assertIn("2 run(s) of the same programs", tables.origin_note(two))
        rebuilt = {"echo50": record(), "stream": record(programs="q")}
        self.assertIn("different programs", tables.origin_note(rebuilt))
        other = {"echo50": record(), "stream": record(run="b", programs="q")}
        self.assertIn("different programs", tables.origin_note(other))

    def test_a_missing_peer_is_named(self):
        records = {"echo50": record(gaps=["libuv (not built)"]), "stream": record()}
        self.assertIn("libuv", tables.gap_note(records))
        self.assertNotIn("Missing", tables.gap_note({"stream": record()}))


def write_report(result):
    """One line a test, as tests/support/main.cpp writes it."""
    path = os.environ.get("TIDEMILL_TEST_REPORT")
    if not path:
        return
    failed = {test.id() for test, _ in result.failures + result.errors}
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    with open(path, "w", encoding="utf-8") as file:
        for case in (test for group in suite for test in group):
            name = case.id().rsplit(".", 1)[1].removeprefix("test_").replace("_", " ")
            file.write(f"{name}\t1\t{int(case.id() in failed)}\n")


if __name__ == "__main__":
    outcome = unittest.main(exit=False).result
    write_report(outcome)
    sys.exit(0 if outcome.wasSuccessful() and outcome.testsRun > 0 else 1)
