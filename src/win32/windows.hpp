// The system's headers, with the switches that they need and without the words that they take.
//
// FD_SETSIZE is how many sockets select() takes here, a count and no highest number; it has to
// stand before the headers. `near` and `far` are macros for a memory model of the eighties.
#pragma once

#ifndef NOMINMAX
#define NOMINMAX
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef FD_SETSIZE
#define FD_SETSIZE 1024
#endif

#include <winsock2.h>

#include <mstcpip.h>
#include <mswsock.h>
#include <windows.h>
#include <ws2tcpip.h>

#undef far
#undef interface
#undef near
#undef small
