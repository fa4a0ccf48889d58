// Error numbers of Winsock as conditions. The translation is a function of its own, so that every
// code is tried here, also those that Wine never produces.
#include "win32/windows.hpp"
#include "win32/winsock.hpp"
#include "win32/winsock_error.hpp"

#include <doctest/doctest.h>
#include <string>
#include <tidemill/tidemill.hpp>

namespace tidemill {
namespace {

using detail::PackedError;
using detail::translated;
using detail::translated_datagram_error;
using detail::translated_stream_error;

Error error_of(PackedError error) { return error.code(); }

} // namespace

TEST_CASE("what users compare with is the same condition as on other systems") {
    struct {
        int number;
        std::errc condition;
        const char* text;
    } const cases[] = {
        {WSAECONNREFUSED, std::errc::connection_refused, "Connection refused"},
        {WSAECONNRESET, std::errc::connection_reset, "Connection reset by peer"},
        {WSAETIMEDOUT, std::errc::timed_out, "Connection timed out"},
        {WSAEADDRINUSE, std::errc::address_in_use, "Address already in use"},
        {WSAEADDRNOTAVAIL, std::errc::address_not_available, "Cannot assign requested address"},
        {WSAENETUNREACH, std::errc::network_unreachable, "Network is unreachable"},
        {WSAEHOSTUNREACH, std::errc::host_unreachable, "No route to host"},
        {WSAEMSGSIZE, std::errc::message_size, "Message too long"},
        {WSAEWOULDBLOCK, std::errc::operation_would_block, "Resource temporarily unavailable"},
        {WSAENOTCONN, std::errc::not_connected, "Transport endpoint is not connected"},
        {WSAESHUTDOWN, std::errc::broken_pipe, "Broken pipe"},
        {WSAEMFILE, std::errc::too_many_files_open, "Too many open files"},
        {WSAENOBUFS, std::errc::no_buffer_space, "No buffer space available"},
        {WSAEACCES, std::errc::permission_denied, "Permission denied"},
        {ERROR_BROKEN_PIPE, std::errc::broken_pipe, "Broken pipe"},
        {ERROR_NOT_ENOUGH_MEMORY, std::errc::not_enough_memory, "Cannot allocate memory"},
    };
    for (const auto& one : cases) {
        CAPTURE(one.number);
        const Error error = error_of(translated(one.number));
        CHECK(error == one.condition);
        CHECK(error.message() == one.text);
    }
}

TEST_CASE("every number of Winsock is an error with a text, and an unknown one too") {
    CHECK_FALSE(bool(translated(0)));
    for (int number = WSABASEERR + 1; number <= WSABASEERR + 112; ++number) {
        CAPTURE(number);
        REQUIRE(bool(translated(number)));
        const std::string text = error_of(translated(number)).message();
        CHECK(text.find("nknown error") == std::string::npos);
    }
    CHECK(error_of(translated(987'654)) == std::errc::io_error);
}

TEST_CASE("a refused datagram is the error that it is on other systems") {
    CHECK(error_of(translated_datagram_error(WSAECONNRESET)) == std::errc::connection_refused);
    CHECK(error_of(translated_datagram_error(WSAECONNREFUSED)) == std::errc::connection_refused);
    CHECK(error_of(translated_datagram_error(WSAENETRESET)) == std::errc::host_unreachable);
}

TEST_CASE("every other error of a datagram socket stays as it is") {
    for (int number = WSABASEERR + 1; number <= WSABASEERR + 112; ++number) {
        if (number == WSAECONNRESET || number == WSAENETRESET) continue;
        CAPTURE(number);
        CHECK(translated_datagram_error(number) == translated(number));
    }
}

TEST_CASE("a connection that the system gave up by itself is reset or timed out") {
    CHECK(error_of(translated_stream_error(WSAECONNABORTED)) == std::errc::connection_reset);
    CHECK(error_of(translated_stream_error(WSAENETRESET)) == std::errc::timed_out);
    for (int number = WSABASEERR + 1; number <= WSABASEERR + 112; ++number)
        if (number != WSAECONNABORTED && number != WSAENETRESET)
            CHECK(translated_stream_error(number) == translated(number));
}

TEST_CASE("a socket whose ICMP policy the system refuses works all the same, and is counted") {
    EventLoop loop;
    const std::uint64_t before = detail::refused_icmp_policies();
    const auto near = or_throw(UdpSocket::bind(loop, or_throw(Endpoint::parse("127.0.0.1:0"))));
    const std::uint64_t refused = detail::refused_icmp_policies() - before;
    INFO("refused of two: ", refused); // none on a new Windows, one under Wine
    CHECK(refused <= 1);
    const auto echo = [&]() -> Task<std::string> {
        or_throw(co_await near->send("x", near->endpoint()));
        co_return std::string(or_throw(co_await near->receive()).payload.text());
    };
    CHECK(loop.run(echo()) == "x");
}

} // namespace tidemill
