#!/bin/bash
# Install into a fresh prefix, then build and run a consumer by find_package, by pkg-config, and in C++.
set -eu
source=$1 build=$2 cc=$3 sanitized=$4
if [ "$sanitized" = 1 ]; then
    echo "SKIPPED: a sanitized library needs a sanitized program"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
consumer=$source/tests/packaging/consumer

cmake --install "$build" --prefix "$work/prefix" >/dev/null
test "$("$work/prefix/bin/brenier" --version)" = "$("$build/brenier" --version)"
soname=$(readelf -d "$work"/prefix/lib*/libbrenier.so "$work"/prefix/lib/*/libbrenier.so 2>/dev/null | grep -c 'SONAME.*\[libbrenier.so.0\]')
test "$soname" = 1

cmake -G Ninja -S "$consumer" -B "$work/cmake" -DCMAKE_C_COMPILER="$cc" -DCMAKE_PREFIX_PATH="$work/prefix" >/dev/null
cmake --build "$work/cmake" >/dev/null
"$work/cmake/consumer"

PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name brenier.pc)")
export PKG_CONFIG_PATH
library=$(pkg-config --variable=libdir brenier)
"$cc" -Wall -Wextra -Werror "$consumer/consumer.c" -o "$work/by_pkg_config" $(pkg-config --cflags --libs brenier) -Wl,-rpath,"$library"
"$work/by_pkg_config"
c++ -Wall -Wextra -Werror -std=c++17 "$consumer/consumer.cpp" -o "$work/by_cpp" $(pkg-config --cflags --libs brenier) -Wl,-rpath,"$library"
"$work/by_cpp"
