// Uses the installed headers and library, to show that the package is whole.
#include <tidemill/core/error.hpp>
#include <tidemill/core/require.hpp>

#include <cstdio>

int main() {
    const tidemill::Error error = tidemill::Errc::truncated;
    TIDEMILL_REQUIRE(error == tidemill::Errc::truncated, "an error equals the code it was made of");
    std::printf("the installed package works: %s\n", error.message().c_str());
}
