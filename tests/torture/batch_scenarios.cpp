// Scenarios over UDP beyond single datagrams: batches, datagrams that are refused, groups.
//
// What of a batch was not sent is sent once more, so that every run has to end with all of it.
#include "torture/scenarios.hpp"

#include <algorithm>
#include <tidemill/net/udp_socket.hpp>

namespace tidemill::torture {
namespace {

using SocketPointer = std::unique_ptr<UdpSocket>;
using Texts = std::vector<std::string>;

constexpr std::uint32_t rounds = 3;
constexpr int most_tries = 2;

bool told(World& world, const Result<SocketPointer>& made) {
    if (made) return true;
    world.note(made.error());
    world.came("a socket", "");
    return false;
}

void note_failure(World& world, const Result<void>& result) {
    if (!result) world.note(result.error());
}

// Batches

// Three of a size make a run, which a kernel may cut apart; the others are messages of their own.
Texts texts_of(std::uint32_t round) {
    Texts texts;
    for (const std::size_t size : {100U, 100U, 100U, 400U, 50U})
        texts.push_back(text_of(size, 10 * round + static_cast<std::uint32_t>(texts.size())));
    return texts;
}

std::string in_order(Texts texts) {
    std::sort(texts.begin(), texts.end());
    std::string all;
    for (const std::string& text : texts) all += text;
    return all;
}

// The failed ones: the first alone, or all from there on.
Task<void> send_all(World& world, UdpSocket& socket, const Texts& texts) {
    std::size_t begin = 0;
    std::size_t end = texts.size();
    for (int i = 0; i < most_tries && begin < end; ++i) {
        SendBatch batch;
        for (std::size_t at = begin; at < end; ++at) static_cast<void>(batch.add(texts[at]));
        const SendOutcome outcome = co_await socket.send_many(batch);
        if (outcome) co_return;
        world.note(Error(outcome.error));
        begin += outcome.first_failed;
        if (outcome.failed == 1) end = begin + 1;
    }
}

Task<Texts> receive_all(World& world, UdpSocket& socket, std::size_t count) {
    ReceiveBatch batch(8, 2048);
    Texts texts;
    for (int errors = 0; texts.size() < count && errors < most_tries;) {
        const auto came = co_await socket.receive_many(batch);
        if (!came) {
            world.note(came.error());
            ++errors;
            continue;
        }
        for (const DatagramView& each : batch) texts.emplace_back(each.text());
    }
    co_return texts;
}

Task<void> exchange(World& world, UdpSocket& client, UdpSocket& server) {
    for (std::uint32_t round = 0; round < rounds; ++round) {
        const Texts texts = texts_of(round);
        co_await send_all(world, client, texts);
        const Texts got = co_await receive_all(world, server, texts.size());
        world.came(in_order(texts), in_order(got));
    }
    // An error behind the last datagram is told to whoever asks next.
    ReceiveBatch rest(1, 2048);
    const auto late = co_await server.receive_many(rest, within(1ms));
    if (!late && late.error() != Errc::deadline_expired) world.note(late.error());
}

// Refused datagrams

Task<void> meet_refusal(World& world, UdpSocket& socket) {
    for (int i = 0; i < most_tries; ++i) {
        const auto sent = co_await socket.send("is anybody there?");
        if (sent) break;
        world.note(sent.error());
    }
    for (int i = 0; i < most_tries; ++i) {
        const auto got = co_await socket.receive(within(200ms));
        if (got) co_return world.find("a datagram came from nowhere");
        if (got.error() == std::errc::connection_refused) co_return;
        const bool is_late = got.error() == Errc::deadline_expired;
        const auto features = world.loop().core().sockets().datagram_features();
        if (is_late && !features.has_error_queue) co_return; // such a system need not tell
        if (is_late) co_return world.find("nobody was told of a refused datagram");
        world.note(got.error());
    }
}

void run_batches(World& world, const UdpOptions& options) {
    auto server = UdpSocket::bind(world.loop(), any_port(), options);
    if (!told(world, server)) return;
    auto client = UdpSocket::connect(world.loop(), (*server)->endpoint(), options);
    if (!told(world, client)) return;
    world.start(exchange(world, **client, **server));
    world.run_all();
}

} // namespace

void run_datagram_batches(World& world) { run_batches(world, {}); }

void run_unaided_batches(World& world) {
    UdpOptions options;
    options.many_per_call = false;
    options.cuts_output = false;
    options.gathers_input = false;
    run_batches(world, options);
}

void run_refused_datagrams(World& world) {
    auto gone = UdpSocket::bind(world.loop(), any_port());
    if (!told(world, gone)) return;
    auto client = UdpSocket::connect(world.loop(), (*gone)->endpoint());
    if (!told(world, client)) return;
    (*gone)->close();
    world.start(meet_refusal(world, **client));
    world.run_all();
    note_failure(world, (*client)->set_icmp_policy(IcmpPolicy::ignore));
}

void run_groups(World& world) {
    const IpAddress group = IpAddress::v4({239, 255, 77, 7});
    GroupChoice choice;
    choice.interface_index = 1; // loopback
    auto socket = UdpSocket::bind(world.loop(), Endpoint(IpAddress::any_v4(), 0));
    if (!told(world, socket)) return;
    note_failure(world, (*socket)->set_multicast_hops(0));
    const auto joined = (*socket)->join_group(group, choice);
    note_failure(world, joined);
    if (joined) note_failure(world, (*socket)->leave_group(group, choice));
}

} // namespace tidemill::torture
