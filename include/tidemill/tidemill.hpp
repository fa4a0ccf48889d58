// Everything at once.
#pragma once

#include <tidemill/core/channel.hpp>
#include <tidemill/core/chunk.hpp>
#include <tidemill/core/clock.hpp>
#include <tidemill/core/error.hpp>
#include <tidemill/core/event.hpp>
#include <tidemill/core/event_loop.hpp>
#include <tidemill/core/remote.hpp>
#include <tidemill/core/remote_channel.hpp>
#include <tidemill/core/run_blocking.hpp>
#include <tidemill/core/semaphore.hpp>
#include <tidemill/core/sleep.hpp>
#include <tidemill/core/task.hpp>
#include <tidemill/core/task_scope.hpp>
#include <tidemill/core/timer.hpp>
#include <tidemill/core/watch.hpp>
#include <tidemill/core/when.hpp>
#include <tidemill/net/endpoint.hpp>
#include <tidemill/net/server.hpp>
#include <tidemill/net/stream.hpp>
#include <tidemill/net/tcp_listener.hpp>
#include <tidemill/net/tcp_stream.hpp>
#include <tidemill/net/udp_socket.hpp>
#include <tidemill/service/signals.hpp>
#include <tidemill/service/standard_input.hpp>
#include <tidemill/service/standard_output.hpp>
