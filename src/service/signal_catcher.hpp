// Takes signals from the system and keeps them until they are asked for: the platform's part.
#pragma once

#include <initializer_list>
#include <memory>
#include <optional>
#include <tidemill/core/error.hpp>
#include <tidemill/core/native.hpp>
#include <tidemill/service/signals.hpp>

namespace tidemill::detail {

class SignalCatcher {
public:
    /// Takes over the named signals. One that another catcher has is misuse.
    [[nodiscard]] static Result<std::unique_ptr<SignalCatcher>>
    make(std::initializer_list<Signal> taken);
    /// Restores what the signals did before.
    virtual ~SignalCatcher() = default;

    /// Becomes readable when a signal arrives.
    [[nodiscard]] virtual NativeSocket readable_end() const noexcept = 0;
    /// Makes it unreadable again; to be called before take(), so that nothing is missed.
    virtual void drain() noexcept = 0;
    /// A signal that has arrived.
    [[nodiscard]] virtual std::optional<Signal> take() noexcept = 0;
};

} // namespace tidemill::detail
