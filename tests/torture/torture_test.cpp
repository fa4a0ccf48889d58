// Each scenario once for each of its calls and each error that the call may give.
//
// TIDEMILL_TORTURE=scenario:call:ordinal:error runs that one again; it is how a failure is named.
#include "torture/runner.hpp"

#include <doctest/doctest.h>

namespace tidemill::torture {

TEST_CASE("a connect survives each of its calls failing") { torture({"connect", run_connect}); }
TEST_CASE("an echo survives each of its calls failing") { torture({"echo", run_echo}); }
TEST_CASE("a half-close survives each of its calls failing") {
    torture({"half-close", run_half_close});
}
TEST_CASE("a graceful close survives each of its calls failing") {
    torture({"graceful-close", run_graceful_close});
}
TEST_CASE("a close that lingers survives each of its calls failing") {
    torture({.name = "lingering-close", .run = run_lingering_close, .lingers = true});
}
TEST_CASE("accepting under load survives each of its calls failing") {
    torture({.name = "accept-under-load", .run = run_accept_under_load, .lingers = true});
}

TEST_CASE("datagrams survive each of their calls failing") {
    torture({"datagrams", run_datagrams, "connect:EINPROGRESS", false, true});
}
TEST_CASE("options and what the system knows of a stream survive each of their calls failing") {
    torture({.name = "knowledge", .run = run_knowledge, .lingers = true});
}
TEST_CASE("an adopted listener survives each of its calls failing") {
    torture({.name = "adopted", .run = run_adopted, .lingers = true});
}
TEST_CASE("an adopted UDP socket survives each of its calls failing") {
    torture({"adopted-datagrams", run_adopted_datagrams, "connect:EINPROGRESS", false, true});
}
TEST_CASE("batches of datagrams survive each of their calls failing, and fewer being taken") {
    torture({"batches", run_datagram_batches, "connect:EINPROGRESS", false, true});
}
TEST_CASE("batches without the system's help survive each of their calls failing") {
    torture({"unaided-batches", run_unaided_batches, "connect:EINPROGRESS", false, true});
}
TEST_CASE("refused datagrams are told of, whichever call fails") {
    torture({"refused", run_refused_datagrams, "connect:EINPROGRESS", false, true});
}
TEST_CASE("joining and leaving a group survives each of its calls failing") {
    torture({"groups", run_groups, {}, false, true});
}
TEST_CASE("TLS survives each of its calls failing") { torture({"tls", run_tls}); }
TEST_CASE("TLS that is closed by its destructor survives each of its calls failing") {
    torture({"tls-lingering", run_tls_lingering_close, {}, true});
}

} // namespace tidemill::torture
