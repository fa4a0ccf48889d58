// Announces itself to a multicast group once a second, and tells who else is there:
//
//     udp_beacon NAME [GROUP:PORT [INTERFACE]]      udp_beacon kitchen 239.255.42.99:4242 2
//
// INTERFACE is an index (`ip link`); 0, the default, leaves the choice to the system. It goes on
// until it is stopped; each name is told once.
#include <charconv>
#include <cstdio>
#include <set>
#include <string>
#include <tidemill/tidemill.hpp>

using namespace tidemill;

namespace {

constexpr Duration between_announcements = std::chrono::seconds(1);
constexpr std::size_t longest_name_bytes = 64;
constexpr std::size_t most_names = 1000; // anybody can make them up

struct Beacon {
    std::string name;
    Endpoint group;
    std::unique_ptr<UdpSocket> socket;
};

Task<void> announce(Beacon& beacon) {
    for (;;) {
        const auto sent = co_await beacon.socket->send(beacon.name, beacon.group);
        if (!sent) std::fprintf(stderr, "udp_beacon: %s\n", sent.error().message().c_str());
        const auto slept = co_await sleep(between_announcements);
        if (!slept) co_return;
    }
}

// What strangers send is shown only as far as it is plain text.
bool is_name(std::string_view text) {
    for (const char byte : text)
        if (byte <= ' ' || byte > '~') return false;
    return !text.empty() && text.size() <= longest_name_bytes;
}

Task<void> discover(Beacon& beacon) {
    std::set<std::string> known{beacon.name};
    while (beacon.socket->is_open()) {
        const auto datagram = co_await beacon.socket->receive();
        if (!datagram || !is_name(datagram->payload.text()) || known.size() >= most_names) continue;
        const std::string name(datagram->payload.text());
        if (!known.insert(name).second) continue;
        std::printf("%s at %s\n", name.c_str(), datagram->sender.address().to_string().c_str());
        std::fflush(stdout);
    }
}

Beacon open(EventLoop& loop, int argc, char** argv) {
    Beacon beacon{
        argv[1], or_throw(Endpoint::parse(argc > 2 ? argv[2] : "239.255.42.99:4242")), {}};
    if (!is_name(beacon.name)) throw std::runtime_error("a name is up to 64 printable characters");
    GroupChoice choice;
    const std::string_view index(argc > 3 ? argv[3] : "0");
    const char* const end = index.data() + index.size();
    if (std::from_chars(index.data(), end, choice.interface_index).ptr != end)
        throw std::runtime_error("an interface is named by its index");
    UdpOptions options;
    options.reuse_address = true; // several beacons on one machine hear the same group
    const IpAddress group = beacon.group.address();
    const IpAddress any = group.is_v4() ? IpAddress::any_v4() : IpAddress::any_v6();
    beacon.socket = or_throw(UdpSocket::bind(loop, Endpoint(any, beacon.group.port()), options));
    or_throw(beacon.socket->set_multicast_interface(choice.interface_index));
    or_throw(beacon.socket->join_group(group, choice));
    return beacon;
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fputs("usage: udp_beacon NAME [GROUP:PORT [INTERFACE]]\n", stderr);
        return 2;
    }
    try {
        EventLoop loop;
        Beacon beacon = open(loop, argc, argv);
        TaskScope scope(loop);
        scope.spawn(announce(beacon));
        loop.run(discover(beacon));
    } catch (const std::exception& error) {
        std::fprintf(stderr, "udp_beacon: %s\n", error.what());
        return 1;
    }
}
