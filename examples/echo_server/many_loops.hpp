// echo_server with --threads: the same service on several loops.
#pragma once

#include "echo_server/arguments.hpp"

namespace echo_server {

/// Opens every address, serves until a signal asks for the end, then ends in order. Throws
/// std::system_error that names the address that it could not have.
void serve_on_many_loops(const Arguments& arguments);

} // namespace echo_server
