// The scenarios that are run with each of their calls failing.
//
// Each starts tasks in a world, runs them all, and leaves nothing behind. Tasks tell the world what
// came and what went wrong; none waits by a deadline, so that a lost waiter is found.
#pragma once

#include "torture/world.hpp"

#include <span>

namespace tidemill::torture {

struct Scenario {
    const char* name;
    void (*run)(World& world);
    /// `call:error` that this kind of socket never gives.
    std::string_view left_out = {};
    /// Streams are closed where nobody can be told that the end did not get through; the peer is.
    bool closes_unheard = false;
    /// Some options only make it faster, or tell more; it does without them.
    bool has_optional_options = false;
    /// Destructors leave streams to the linger set. One whose change of interest is refused sends
    /// its end and a reset behind it; where a reset hides the end before it, the peer is told.
    bool lingers = false;
};

void run_connect(World& world);
void run_echo(World& world);
void run_half_close(World& world);
void run_graceful_close(World& world);
void run_lingering_close(World& world);
void run_accept_under_load(World& world);
void run_datagrams(World& world);
void run_knowledge(World& world);
void run_adopted(World& world);
void run_adopted_datagrams(World& world);
void run_datagram_batches(World& world);
void run_unaided_batches(World& world); ///< without the system's help: one call a datagram
void run_refused_datagrams(World& world);
void run_groups(World& world);
void run_tls(World& world);
void run_tls_lingering_close(World& world);

} // namespace tidemill::torture
