// TIDEMILL_REQUIRE stops a program that breaks a rule, in every build type.
#include <tidemill/core/require.hpp>

#include "support/death.hpp"

#include <doctest/doctest.h>

using namespace tidemill;

TEST_CASE("a kept rule costs nothing and goes on") {
    int calls = 0;
    TIDEMILL_REQUIRE(++calls == 1, "the condition is evaluated once");
    CHECK(calls == 1);
}

TEST_CASE("a broken rule aborts and names the rule and the place in the tree") {
    DIES_WITH("tidemill: misuse: two and two make four (tests/core/require_test.cpp:",
              [] { TIDEMILL_REQUIRE(2 + 2 == 5, "two and two make four"); });
}
