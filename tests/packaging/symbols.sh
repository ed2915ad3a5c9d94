#!/bin/bash
# The library exports brn_* alone, and never ends the process or writes to its standard output.
set -u
library=$1 failed=0

exported=$(nm -D --defined-only "$library" | awk '{print $NF}' | sed 's/@.*//' | grep -v '^brn_' | grep -vE '^(__asan|__ubsan|__odr_asan)')
if [ -n "$exported" ]; then
    echo "exported besides brn_*:" $exported
    failed=1
fi

forbidden='^(exit|_exit|_Exit|quick_exit|abort|printf|vprintf|puts|putchar|__printf_chk|__vprintf_chk|perror|stdout|stderr|__assert_fail)$'
used=$(nm -D --undefined-only "$library" | awk '{print $NF}' | sed 's/@.*//' | grep -E "$forbidden")
if [ -n "$used" ]; then
    echo "called by the library:" $used
    failed=1
fi
exit $failed
