// The instruments themselves: a death test and an allocation counter that cannot fail prove
// nothing.
#include "allocations.hpp"
#include "death.hpp"

#include <doctest/doctest.h>

#include <cstdio>
#include <new>
#include <thread>

using namespace tidemill::support;

TEST_CASE("a callable that returns is not dead") {
    CHECK_FALSE(death_of([] {}).aborted);
}

TEST_CASE("a callable that leaves with a status has not aborted") {
    CHECK_FALSE(death_of([] { std::_Exit(3); }).aborted);
}

TEST_CASE("the last words of the child are handed over") {
    const Death death = death_of([] { std::fputs("farewell", stderr); });
    CHECK(death.output == "farewell");
}

// The operators are called as functions: a compiler may leave out a new-expression whose object
// nobody needs. The count is read before CHECK, which allocates itself.
TEST_CASE("each allocation is counted once, whatever form asks for it") {
    SKIP_UNLESS_ALLOCATIONS_ARE_COUNTED();
    constexpr std::align_val_t wide{64};
    const AllocationCount count;
    ::operator delete(::operator new(8));
    ::operator delete[](::operator new[](8));
    ::operator delete(::operator new(8, std::nothrow), std::nothrow);
    ::operator delete(::operator new(80, wide), wide);
    ::operator delete[](::operator new[](80, wide), wide);
    const std::uint64_t taken = count.taken();
    CHECK(taken == 5);
}

TEST_CASE("another thread's allocations count for the process only") {
    SKIP_UNLESS_ALLOCATIONS_ARE_COUNTED();
    std::thread worker;
    const AllocationCount count;
    worker = std::thread([] { ::operator delete(::operator new(8)); });
    worker.join();
    const std::uint64_t here = count.taken(); // std::thread allocates its own state on this side.
    const std::uint64_t everywhere = count.taken_by_process();
    CHECK(everywhere == here + 1);
}
