#include "net/linger_set.hpp"
#include <array>
#include <new>

namespace tidemill::detail {

class LingerSet::Member final : public Source, public TimerNode {
public:
    Member(LingerSet& set, const Linger& linger) noexcept
        : set_(set), socket_(linger.socket), slot_(linger.slot), interest_(linger.interest) {}

    /// Nothing of the member has changed hands yet if this fails.
    [[nodiscard]] bool start() noexcept {
        LoopCore& loop = set_.loop_;
        if (loop.sockets().shutdown_write(socket_)) return false;
        if (loop.watch(slot_, socket_, interest_, Interest::read)) return false;
        loop.replace(slot_, *this);
        loop.wheel().arm(*this, loop.moment_after(loop.options().linger_timeout.count()));
        return true;
    }

    void on_readable() noexcept override {
        std::array<std::byte, 16 * 1024> scrap;
        const IoResult result = set_.loop_.sockets().receive(socket_, scrap);
        if (result.error == PackedError(std::errc::operation_would_block)) return;
        if (result.error || result.bytes == 0) return close(false);
        discarded_bytes_ += result.bytes;
        if (discarded_bytes_ > set_.loop_.options().linger_bytes) close(true);
    }
    void on_writable() noexcept override {
        static_cast<void>(set_.loop_.watch(slot_, socket_, interest_, Interest::read));
    }
    void on_timer() noexcept override { close(true); }
    void abandon(Operation&) noexcept override {} // nobody waits
    void on_loop_gone() noexcept override { close(true); }

    void close(bool with_reset) noexcept {
        LoopCore& loop = set_.loop_;
        loop.closing(slot_, socket_, interest_, true);
        if (with_reset) {
            ++loop.counters().linger_aborts;
            loop.sockets().close_with_reset(socket_);
        } else {
            loop.sockets().close(socket_);
        }
        loop.detach(slot_);
        loop.wheel().cancel(*this);
        set_.remove(*this); // destroys this object
        loop.descriptor_freed();
    }

    Member* next = nullptr;
    Member* previous = nullptr;

private:
    LingerSet& set_;
    NativeSocket socket_;
    std::uint32_t slot_;
    Interest interest_;
    std::size_t discarded_bytes_ = 0;
};

bool LingerSet::take(const Linger& linger) noexcept {
    if (size_ >= loop_.options().lingering_streams) {
        ++loop_.counters().linger_aborts;
        return false;
    }
    auto* member = new (std::nothrow) Member(*this, linger);
    if (member == nullptr || !member->start()) {
        delete member;
        return false;
    }
    member->next = first_;
    if (first_ != nullptr) first_->previous = member;
    first_ = member;
    ++size_;
    ++loop_.counters().lingering;
    return true;
}

void LingerSet::remove(Member& member) noexcept {
    (member.previous == nullptr ? first_ : member.previous->next) = member.next;
    if (member.next != nullptr) member.next->previous = member.previous;
    --size_;
    --loop_.counters().lingering;
    delete &member;
}

void LingerSet::on_loop_gone() noexcept {
    while (first_ != nullptr) first_->close(true);
}

LingerSet* linger_set(LoopCore& loop) noexcept {
    auto& extension = loop.extension(ExtensionSlot::linger);
    if (extension == nullptr) extension.reset(new (std::nothrow) LingerSet(loop));
    return static_cast<LingerSet*>(extension.get());
}

} // namespace tidemill::detail
