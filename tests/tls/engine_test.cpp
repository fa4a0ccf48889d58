// TlsEngine: two of them talk in memory, whole, in pieces, and to their ends.
#include "tls/tls_support.hpp"

namespace tidemill {
namespace {

using namespace support;

struct Version1_2 {
    static constexpr TlsVersion value = TlsVersion::v1_2;
    static constexpr const char* name = "TLSv1.2";
};
struct Version1_3 {
    static constexpr TlsVersion value = TlsVersion::v1_3;
    static constexpr const char* name = "TLSv1.3";
};

std::string text_of(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
    return text;
}

TEST_CASE_TEMPLATE("two engines agree, and both tell on what", V, Version1_2, Version1_3) {
    const Conversation both = established(V::value);
    const TlsPeerInfo server = both.client.engine.peer_info();
    const TlsPeerInfo client = both.server.engine.peer_info();
    CHECK(server.version == V::name);
    CHECK(client.version == V::name);
    CHECK(server.cipher.find("GCM") != std::string::npos);
    CHECK(client.server_name == "localhost");
    CHECK(!server.resumed);
    REQUIRE(server.certificates.size() == 1);
    CHECK(server.certificates[0].subject == "CN = localhost");
    CHECK(server.certificates[0].issuer == "CN = Test Authority");
    CHECK(server.certificates[0].sha256.size() == 64);
    CHECK(server.certificates[0].pem == read_file(certificate_file("server.pem")));
    CHECK(client.certificates.empty());
}

TEST_CASE_TEMPLATE("plain text goes both ways", V, Version1_2, Version1_3) {
    Conversation both = established(V::value);
    CHECK(both.client.write("to the server") == TlsNext::have_output_then_done);
    CHECK(both.server.write("to the client") == TlsNext::have_output_then_done);
    both.settle();
    CHECK(both.server.text == "to the server");
    CHECK(both.client.text == "to the client");
    CHECK(both.client.read() == TlsNext::want_input);
}

TEST_CASE_TEMPLATE("several records that came at once are read in one step", V, Version1_2,
                   Version1_3) {
    Conversation both = established(V::value);
    std::string all;
    for (int i = 0; i < 5; ++i) {
        all += text_of(100);
        REQUIRE(both.client.write(text_of(100)) == TlsNext::have_output_then_done);
    }
    deliver(both.client, both.server);
    std::vector<std::byte> buffer(1000);
    std::size_t count = 0;
    const TlsNext next =
        both.server.step([&](TlsEngine& engine) { return engine.read(buffer, count); });
    CHECK(next == TlsNext::nothing);
    CHECK(count == all.size());
    CHECK(both.server.inbox.empty());
}

TEST_CASE_TEMPLATE("a record of the largest size goes through, and is read in any pieces", V,
                   Version1_2, Version1_3) {
    Conversation both = established(V::value);
    const std::string largest = text_of(TlsEngine::largest_write_bytes);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, largest.size()}) {
        CAPTURE(piece);
        both.server.text.clear();
        REQUIRE(both.client.write(largest) == TlsNext::have_output_then_done);
        CHECK(both.client.output.size() > largest.size());
        deliver(both.client, both.server);
        CHECK(both.server.read(piece) == TlsNext::want_input);
        CHECK(both.server.text == largest);
    }
}

TEST_CASE_TEMPLATE("nothing changes when one byte comes at a time", V, Version1_2, Version1_3) {
    Conversation both(server_context(), client_context());
    if (V::value == TlsVersion::v1_2) use_version_1_2(both.client.engine);
    REQUIRE(both.shake_hands(1));
    REQUIRE(both.client.write("slowly") == TlsNext::have_output_then_done);
    REQUIRE(both.client.shutdown() == TlsNext::have_output_then_done);
    while (deliver(both.client, both.server, 1) > 0) static_cast<void>(both.server.read());
    CHECK(both.server.text == "slowly");
    CHECK(both.server.engine.received_close_notify());
}

TEST_CASE_TEMPLATE("a message may be cut in two anywhere", V, Version1_2, Version1_3) {
    Conversation both = established(V::value);
    std::size_t record_bytes = 0;
    for (std::size_t first = 0; first <= record_bytes; ++first) {
        CAPTURE(first);
        REQUIRE(both.client.write("in two parts") == TlsNext::have_output_then_done);
        record_bytes = both.client.output.size();
        both.server.text.clear();
        deliver(both.client, both.server, first);
        const bool is_whole = first == record_bytes;
        CHECK(both.server.read() == TlsNext::want_input);
        CHECK(both.server.text == (is_whole ? "in two parts" : ""));
        CHECK(both.server.engine.is_at_record_boundary() == (is_whole || first == 0));
        deliver(both.client, both.server);
        CHECK(both.server.read() == TlsNext::want_input);
        CHECK(both.server.text == "in two parts");
        CHECK(both.server.engine.is_at_record_boundary());
    }
}

TEST_CASE_TEMPLATE("each side may end first and still be answered", V, Version1_2, Version1_3) {
    Conversation both = established(V::value);
    REQUIRE(both.client.write("question") == TlsNext::have_output_then_done);
    REQUIRE(both.client.shutdown() == TlsNext::have_output_then_done);
    deliver(both.client, both.server);
    CHECK(both.server.read() == TlsNext::nothing);
    CHECK(both.server.text == "question");
    CHECK(both.server.engine.received_close_notify());
    REQUIRE(both.server.write("answer") == TlsNext::have_output_then_done);
    REQUIRE(both.server.shutdown() == TlsNext::have_output_then_done);
    deliver(both.server, both.client);
    CHECK(both.client.read() == TlsNext::nothing);
    CHECK(both.client.text == "answer");
    CHECK(both.client.engine.received_close_notify());
}

TEST_CASE("our end is sent once, and nothing after it") {
    Conversation both = established(TlsVersion::v1_3);
    REQUIRE(both.client.shutdown() == TlsNext::have_output_then_done);
    CHECK(both.client.engine.sent_close_notify());
    const std::size_t sent = both.client.output.size();
    CHECK(both.client.shutdown() == TlsNext::nothing);
    CHECK(both.client.output.size() == sent);
}

TEST_CASE_TEMPLATE("the end of the transport alone is truncation", V, Version1_2, Version1_3) {
    Conversation both = established(V::value);
    REQUIRE(both.client.write("and then") == TlsNext::have_output_then_done);
    deliver(both.client, both.server);
    both.server.engine.end_input();
    CHECK(both.server.read() == TlsNext::failed);
    CHECK(both.server.text == "and then");
    CHECK(both.server.engine.failure() == Errc::truncated);
}

TEST_CASE("the end of the transport in the handshake is truncation") {
    Conversation both(server_context(), client_context());
    both.client.engine.end_input();
    CHECK(both.client.handshake() == TlsNext::failed);
    CHECK(both.client.engine.failure() == Errc::truncated);
    CHECK(both.client.failure().find("handshake") != std::string::npos);
}

TEST_CASE("a moved engine goes on") {
    Conversation both = established(TlsVersion::v1_3);
    TlsEngine elsewhere = std::move(both.server.engine);
    both.server.engine = std::move(elsewhere);
    REQUIRE(both.client.write("found") == TlsNext::have_output_then_done);
    both.settle();
    CHECK(both.server.text == "found");
}

} // namespace
} // namespace tidemill

TYPE_TO_STRING_AS("TLSv1.2", tidemill::Version1_2);
TYPE_TO_STRING_AS("TLSv1.3", tidemill::Version1_3);
