// Task<T>: the coroutine type of everything that users write.
//
// A task is lazy: it runs when it is awaited, or when a TaskScope (or run(), or a combinator)
// starts it. The awaiter of a task resumes the child itself and does not suspend when the child
// finishes at once. Symmetric transfer would do the same with less code, but GCC 12 makes it a real
// call in unoptimised and sanitized builds, and a loop over short children then overflows the
// stack.
#pragma once

#include <coroutine>
#include <memory>
#include <tidemill/core/promise.hpp>
#include <tidemill/core/require.hpp>
#include <type_traits>
#include <utility>

namespace tidemill {

template <class T> class Task;

namespace detail {

template <class T> class TaskPromise final : public PromiseBase {
public:
    TaskPromise() noexcept {}
    ~TaskPromise() {
        if (has_value_) value_.~T();
    }

    Task<T> get_return_object() noexcept;
    template <class U>
    requires std::constructible_from<T, U>
    void return_value(U&& value) {
        std::construct_at(std::addressof(value_), std::forward<U>(value));
        has_value_ = true;
    }
    /// The result; throws what left the task, if something did.
    T take() {
        rethrow_if_failed();
        return std::move(value_);
    }

private:
    union {
        T value_;
    };
};

template <class T> class TaskPromise<T&> final : public PromiseBase {
public:
    Task<T&> get_return_object() noexcept;
    void return_value(T& value) noexcept { value_ = std::addressof(value); }
    T& take() {
        rethrow_if_failed();
        return *value_;
    }

private:
    T* value_ = nullptr;
};

template <> class TaskPromise<void> final : public PromiseBase {
public:
    Task<void> get_return_object() noexcept;
    void return_void() noexcept { has_value_ = true; }
    void take() { rethrow_if_failed(); }
};

} // namespace detail

/// A lazily started coroutine with a result of type `T` (a value, a reference, or void).
///
/// Owns its frame: destroying a task destroys the frame at whatever point it is suspended, and with
/// it everything that it awaits; nothing is resumed. Exceptions that leave the coroutine are thrown
/// to whoever awaits it. Move-only. Thread: starts and stays on the loop's own.
template <class T = void> class [[nodiscard]] Task {
public:
    using promise_type = detail::TaskPromise<T>;
    using value_type = T;

    Task(Task&& other) noexcept : promise_(std::exchange(other.promise_, nullptr)) {}
    Task& operator=(Task&& other) noexcept {
        if (this != &other) {
            reset();
            promise_ = std::exchange(other.promise_, nullptr);
        }
        return *this;
    }
    ~Task() { reset(); }

    class Awaiter {
    public:
        explicit Awaiter(promise_type& child) noexcept : child_(child) {}
        [[nodiscard]] bool await_ready() const noexcept { return false; }
        template <detail::TaskPromiseType Parent>
        bool await_suspend(std::coroutine_handle<Parent> parent) noexcept {
            return child_.start_under(parent.promise());
        }
        T await_resume() { return child_.take(); }

    private:
        promise_type& child_;
    };

    /// Runs the task as part of the awaiting one and gives its result. A task is awaited once.
    Awaiter operator co_await() && noexcept {
        TIDEMILL_REQUIRE(promise_ != nullptr, "a Task is awaited or spawned once");
        return Awaiter(*promise_);
    }

    /// For owners of chains: gives the frame away.
    [[nodiscard]] promise_type* release() && noexcept {
        TIDEMILL_REQUIRE(promise_ != nullptr, "a Task is awaited or spawned once");
        return std::exchange(promise_, nullptr);
    }

private:
    friend promise_type;
    // The promise of every task sits at the same place in its frame as a bare PromiseBase would.
    static_assert(alignof(promise_type) == alignof(detail::PromiseBase),
                  "the result of a Task may not be over-aligned: return it by pointer");

    explicit Task(promise_type& promise) noexcept : promise_(&promise) {}
    void reset() noexcept {
        if (promise_ != nullptr) std::exchange(promise_, nullptr)->destroy();
    }

    promise_type* promise_;
};

template <class T> Task<T> detail::TaskPromise<T>::get_return_object() noexcept {
    return Task<T>(*this);
}

template <class T> Task<T&> detail::TaskPromise<T&>::get_return_object() noexcept {
    return Task<T&>(*this);
}

inline Task<void> detail::TaskPromise<void>::get_return_object() noexcept {
    return Task<void>(*this);
}

} // namespace tidemill
