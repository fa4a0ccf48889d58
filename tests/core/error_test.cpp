// What an Error promises to those who compare it, print it, copy it or throw it.
#include <doctest/doctest.h>

#include "support/allocations.hpp"
#include <array>
#include <atomic>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <system_error>
#include <thread>
#include <tidemill/core/error.hpp>
#include <type_traits>
#include <utility>
#include <vector>

using namespace tidemill;

namespace {

constexpr int last_code = static_cast<int>(Errc::not_trusted);

std::string line_thrown_by(Result<int> result) {
    try {
        static_cast<void>(or_throw(std::move(result)));
    } catch (const std::system_error& error) {
        return error.what();
    }
    return "nothing was thrown";
}

Error error_about(std::string context) {
    return {make_error_code(Errc::limit_reached), std::move(context)};
}

} // namespace

TEST_CASE("every code of tidemill has a text of its own") {
    std::set<std::string> texts = {error_category().message(0),
                                   error_category().message(last_code + 1)};
    REQUIRE(texts.size() == 1); // both are the text for unknown codes
    for (int code = 1; code <= last_code; ++code) {
        CAPTURE(code);
        const std::string text = error_category().message(code);
        CHECK(text.find("unknown") == std::string::npos);
        CHECK(texts.insert(text).second);
    }
}

TEST_CASE("no text ends in punctuation or holds a line break") {
    for (int code = 1; code <= last_code; ++code) {
        const std::string text = error_category().message(code);
        CAPTURE(text);
        CHECK(text.find_first_of("\r\n") == std::string::npos);
        CHECK(text.find_last_of(".!: ") != text.size() - 1);
    }
}

TEST_CASE("the category is named after the library") {
    CHECK(std::string(error_category().name()) == "tidemill");
    CHECK(&make_error_code(Errc::torn).category() == &error_category());
}

TEST_CASE("a code becomes a std::error_code without being asked") {
    const std::error_code code = Errc::torn;
    CHECK(code == make_error_code(Errc::torn));
    CHECK(code.value() == static_cast<int>(Errc::torn));
}

TEST_CASE("codes with a standard meaning equal the standard condition and no other") {
    struct Case {
        Errc code;
        std::errc condition;
    };
    constexpr std::array cases = {
        Case{Errc::deadline_expired, std::errc::timed_out},
        Case{Errc::cancelled, std::errc::operation_canceled},
        Case{Errc::not_supported, std::errc::not_supported},
    };
    for (const Case& asked : cases) {
        for (int code = 1; code <= last_code; ++code) {
            CAPTURE(code);
            const Errc candidate = static_cast<Errc>(code);
            CHECK((Error(candidate) == asked.condition) == (candidate == asked.code));
        }
    }
}

TEST_CASE("a deadline of ours and a timeout of the network are both timed out, yet two codes") {
    const Error ours = Errc::deadline_expired;
    const Error network = std::errc::timed_out;
    CHECK(ours == std::errc::timed_out);
    CHECK(network == std::errc::timed_out);
    CHECK(ours == Errc::deadline_expired);
    CHECK(network != Errc::deadline_expired);
    CHECK(ours.code() != network.code());
}

TEST_CASE("an error of the system equals the portable condition") {
    const Error error =
        std::error_code(static_cast<int>(std::errc::connection_reset), std::generic_category());
    CHECK(error == std::errc::connection_reset);
    CHECK(error != std::errc::connection_refused);
}

TEST_CASE("errors compare from both sides and by inequality") {
    const Error error = Errc::torn;
    CHECK(error == Errc::torn);
    CHECK(Errc::torn == error);
    CHECK(error != Errc::truncated);
    CHECK(Errc::truncated != error);
    CHECK(error != std::errc::timed_out);
    CHECK(std::errc::timed_out != error);
}

TEST_CASE("context and bytes do not change what an error equals") {
    const Error error =
        Error(make_error_code(Errc::cancelled), "sending the answer").with_bytes_written(7);
    CHECK(error == Errc::cancelled);
    CHECK(error == std::errc::operation_canceled);
    CHECK(error.code() == make_error_code(Errc::cancelled));
}

TEST_CASE("a message is context, text of the code, and the bytes that had left") {
    const std::string text = make_error_code(Errc::limit_reached).message();
    CHECK(Error(Errc::limit_reached).message() == text);
    CHECK(error_about("").message() == text);
    CHECK(error_about("server.pem").message() == "server.pem: " + text);
    CHECK(Error(Errc::limit_reached).with_bytes_written(1).message() ==
          text + " (after 1 byte had left)");
    CHECK(error_about("reply").with_bytes_written(20).message() ==
          "reply: " + text + " (after 20 bytes had left)");
}

TEST_CASE("bytes written are told, replaced and taken back") {
    CHECK(Error(Errc::torn).bytes_written() == 0);
    CHECK(error_about("reply").bytes_written() == 0);
    Error error = error_about("reply").with_bytes_written(9);
    CHECK(error.bytes_written() == 9);
    error = std::move(error).with_bytes_written(10);
    CHECK(error.bytes_written() == 10);
    error = std::move(error).with_bytes_written(0);
    CHECK(error.bytes_written() == 0);
    CHECK(error.message() == error_about("reply").message());
}

TEST_CASE("a copy does not see what its source is told later, nor the other way round") {
    Error source = error_about("reply").with_bytes_written(3);
    Error copy = source;
    source = std::move(source).with_bytes_written(4);
    CHECK(copy.bytes_written() == 3);
    CHECK(source.bytes_written() == 4);
    copy = source;
    CHECK(copy.message() == source.message());
    source = Error(Errc::torn);
    CHECK(copy == Errc::limit_reached);
    CHECK(copy.bytes_written() == 4);
}

TEST_CASE("a copy needs no memory and cannot fail") {
    static_assert(std::is_nothrow_copy_constructible_v<Error>);
    static_assert(std::is_nothrow_copy_assignable_v<Error>);
    SKIP_UNLESS_ALLOCATIONS_ARE_COUNTED();
    auto source = std::make_optional(error_about("a context that is too long for the string"));
    const std::string line = source->message();
    Error assigned = Errc::torn;
    const support::AllocationCount allocations;
    const Error copy = *source;
    assigned = *source;
    CHECK(allocations.taken() == 0);
    source.reset();
    CHECK(copy.message() == line);
    CHECK(assigned.message() == line);
}

TEST_CASE("copies are told to and dropped by many threads") {
    const Error source = error_about("reply").with_bytes_written(3);
    std::atomic<int> right = 0;
    std::vector<std::jthread> threads;
    for (int thread = 0; thread < 4; ++thread)
        threads.emplace_back([&source, &right] {
            for (std::size_t i = 1; i <= 1000; ++i) {
                const Error copy = source;
                const Error told = Error(copy).with_bytes_written(i);
                if (copy.bytes_written() == 3 && told.bytes_written() == i) ++right;
            }
        });
    threads.clear();
    CHECK(right == 4000);
    CHECK(source.bytes_written() == 3);
}

TEST_CASE("an error without detail takes the detail of its target away") {
    Error target = error_about("reply").with_bytes_written(3);
    const Error plain = Errc::torn;
    target = plain;
    CHECK(target.message() == plain.message());
    CHECK(target.bytes_written() == 0);
}

TEST_CASE("assigning an error to itself keeps it") {
    Error error = error_about("reply").with_bytes_written(3);
    const std::string line = error.message();
    const Error& alias = error;
    error = alias;
    CHECK(error.message() == line);
}

TEST_CASE("a move carries the detail along and never throws") {
    Error source = error_about("reply").with_bytes_written(3);
    const std::string line = source.message();
    const Error target = std::move(source);
    CHECK(target.message() == line);
    static_assert(std::is_nothrow_move_constructible_v<Error>);
    static_assert(std::is_nothrow_move_assignable_v<Error>);
    static_assert(sizeof(Error) <= sizeof(std::error_code) + sizeof(void*));
}

TEST_CASE("or_throw hands out the value that is there") {
    CHECK(or_throw(Result<int>(7)) == 7);
    CHECK(*or_throw(Result<std::unique_ptr<int>>(std::make_unique<int>(8))) == 8);
    CHECK_NOTHROW(or_throw(Result<void>()));
}

TEST_CASE("what() of a thrown error is the line, no more and no less") {
    const std::array errors = {Error(Errc::torn), Error(std::errc::connection_reset),
                               error_about("server.pem"),
                               error_about("reply").with_bytes_written(20)};
    for (const Error& error : errors) {
        CAPTURE(error.message());
        CHECK(line_thrown_by(failure(error)) == error.message());
    }
}

TEST_CASE("or_throw throws for a result without value too") {
    CHECK_THROWS_AS(or_throw(Result<void>(failure(Errc::torn))), std::system_error);
}

TEST_CASE("a thrown error keeps its code") {
    try {
        throw_error(Error(Errc::deadline_expired).with_bytes_written(2));
    } catch (const std::system_error& error) {
        CHECK(error.code() == make_error_code(Errc::deadline_expired));
        CHECK(error.code() == std::errc::timed_out);
    }
}

TEST_CASE("a thrown error can be carried to another place and still says its line") {
    std::exception_ptr carried;
    try {
        throw_error(error_about("server.pem"));
    } catch (...) {
        carried = std::current_exception();
    }
    CHECK_THROWS_WITH_AS(std::rethrow_exception(carried),
                         error_about("server.pem").message().c_str(), std::system_error);
}
