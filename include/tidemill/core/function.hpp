// A move-only callable without arguments, for posted closures and timers.
//
// std::function cannot hold move-only closures and its header costs half of the compile time that
// a small program has; small closures live inside this object, larger ones on the heap.
#pragma once

#include <cstddef>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace tidemill {

/// Holds any callable that can be moved, or nothing. Calling an empty one is a bug (not checked).
/// The callable's result is dropped, its exceptions are not. Thread: as the callable.
class Function {
public:
    Function() noexcept = default;
    template <class Callable>
    requires(!std::is_same_v<std::decay_t<Callable>, Function> &&
             std::is_invocable_v<std::decay_t<Callable>&>) Function(Callable&& callable) {
        using Stored = std::decay_t<Callable>;
        if constexpr (fits<Stored>) {
            ::new (static_cast<void*>(storage_)) Stored(std::forward<Callable>(callable));
            actions_ = &inline_actions<Stored>;
        } else {
            ::new (static_cast<void*>(storage_))
                Stored*(new Stored(std::forward<Callable>(callable)));
            actions_ = &heap_actions<Stored>;
        }
    }
    Function(Function&& other) noexcept { take(other); }
    Function& operator=(Function&& other) noexcept {
        if (this != &other) {
            reset();
            take(other);
        }
        return *this;
    }
    ~Function() { reset(); }

    explicit operator bool() const noexcept { return actions_ != nullptr; }
    void operator()() { actions_->call(storage_); }

private:
    static constexpr std::size_t inline_bytes = 40;
    struct Actions {
        void (*call)(void* storage);
        void (*move)(void* to, void* from) noexcept; ///< destroys the source; null: copy the bytes
        void (*destroy)(void* storage) noexcept;     ///< null: there is nothing to do
    };
    template <class Stored> static constexpr bool
        fits = sizeof(Stored) <= inline_bytes &&
               alignof(Stored) <= alignof(void*) && std::is_nothrow_move_constructible_v<Stored>;

    template <class Stored> static Stored& in(void* storage) noexcept {
        return *std::launder(static_cast<Stored*>(storage));
    }
    template <class Stored> static void move_stored(void* to, void* from) noexcept {
        ::new (to) Stored(std::move(in<Stored>(from)));
        in<Stored>(from).~Stored();
    }
    template <class Stored> static void destroy_stored(void* storage) noexcept {
        in<Stored>(storage).~Stored();
    }
    template <class Stored> static constexpr Actions inline_actions = {
        [](void* storage) { static_cast<void>(in<Stored>(storage)()); },
        std::is_trivially_copyable_v<Stored> ? nullptr : &move_stored<Stored>,
        std::is_trivially_destructible_v<Stored> ? nullptr : &destroy_stored<Stored>,
    };
    template <class Stored> static constexpr Actions heap_actions = {
        [](void* storage) { static_cast<void>((*in<Stored*>(storage))()); },
        nullptr,
        [](void* storage) noexcept { delete in<Stored*>(storage); },
    };

    void take(Function& other) noexcept {
        if (other.actions_ == nullptr) return;
        if (other.actions_->move == nullptr) {
            std::memcpy(storage_, other.storage_, inline_bytes);
        } else {
            other.actions_->move(storage_, other.storage_);
        }
        actions_ = std::exchange(other.actions_, nullptr);
    }
    void reset() noexcept {
        const Actions* const actions = std::exchange(actions_, nullptr);
        if (actions != nullptr && actions->destroy != nullptr) actions->destroy(storage_);
    }

    const Actions* actions_ = nullptr;
    alignas(void*) std::byte storage_[inline_bytes];
};

} // namespace tidemill
