// The object that precompiled.hpp is compiled for.
