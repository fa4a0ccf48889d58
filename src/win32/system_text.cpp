// The standard conditions in words of our own, which are those of other systems. The C runtime of
// Windows knows the older half of the numbers only, and the system's own texts come in the language
// and the code page of the machine.

#include "core/system_text.hpp"

namespace tidemill::detail {
namespace {

struct Text {
    std::errc condition;
    const char* text;
};

constexpr Text texts[] = {
    {std::errc::address_family_not_supported, "Address family not supported by protocol"},
    {std::errc::address_in_use, "Address already in use"},
    {std::errc::address_not_available, "Cannot assign requested address"},
    {std::errc::already_connected, "Transport endpoint is already connected"},
    {std::errc::bad_address, "Bad address"},
    {std::errc::bad_file_descriptor, "Bad file descriptor"},
    {std::errc::broken_pipe, "Broken pipe"},
    {std::errc::connection_aborted, "Software caused connection abort"},
    {std::errc::connection_already_in_progress, "Operation already in progress"},
    {std::errc::connection_refused, "Connection refused"},
    {std::errc::connection_reset, "Connection reset by peer"},
    {std::errc::destination_address_required, "Destination address required"},
    {std::errc::file_exists, "File exists"},
    {std::errc::host_unreachable, "No route to host"},
    {std::errc::interrupted, "Interrupted system call"},
    {std::errc::invalid_argument, "Invalid argument"},
    {std::errc::io_error, "Input/output error"},
    {std::errc::is_a_directory, "Is a directory"},
    {std::errc::message_size, "Message too long"},
    {std::errc::network_down, "Network is down"},
    {std::errc::network_reset, "Network dropped connection on reset"},
    {std::errc::network_unreachable, "Network is unreachable"},
    {std::errc::no_buffer_space, "No buffer space available"},
    {std::errc::no_protocol_option, "Protocol not available"},
    {std::errc::no_such_file_or_directory, "No such file or directory"},
    {std::errc::not_connected, "Transport endpoint is not connected"},
    {std::errc::not_enough_memory, "Cannot allocate memory"},
    {std::errc::not_supported, "Operation not supported"},
    {std::errc::operation_canceled, "Operation canceled"},
    {std::errc::operation_in_progress, "Operation now in progress"},
    {std::errc::operation_not_permitted, "Operation not permitted"},
    {std::errc::operation_not_supported, "Operation not supported"},
    {std::errc::operation_would_block, "Resource temporarily unavailable"},
    {std::errc::permission_denied, "Permission denied"},
    {std::errc::protocol_not_supported, "Protocol not supported"},
    {std::errc::resource_unavailable_try_again, "Resource temporarily unavailable"},
    {std::errc::timed_out, "Connection timed out"},
    {std::errc::too_many_files_open, "Too many open files"},
    {std::errc::too_many_files_open_in_system, "Too many open files in system"},
    {std::errc::wrong_protocol_type, "Protocol wrong type for socket"},
};

} // namespace

std::string system_text(const std::error_code& code) {
    if (code.category() == std::generic_category())
        for (const Text& each : texts)
            if (static_cast<int>(each.condition) == code.value()) return each.text;
    return code.message();
}

} // namespace tidemill::detail
