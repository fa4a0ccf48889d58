// What nearly every test includes, for TIDEMILL_PRECOMPILE; no source includes this by itself.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <doctest/doctest.h>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <tidemill/tidemill.hpp>
#include <utility>
#include <vector>
