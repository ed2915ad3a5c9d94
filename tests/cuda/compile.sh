#!/bin/bash
# usage: compile.sh PROGRAM MAJOR FOLDER SANITIZED: the kernels, by bench/occupancy.c, through the NVRTC of CUDA MAJOR in FOLDER (ci/setup nvrtc)
# or, without it, one that is installed. It must be there where BRENIER_REQUIRED_NVRTC is set.
set -u
[ "$4" = 0 ] || { echo "skipped: cuda_compile_$2 (not run under a sanitizer)" && exit 77; }
path=$(find "$3" -name "libnvrtc.so.$2" -printf '%h:' 2>/dev/null)
LD_LIBRARY_PATH=$path${LD_LIBRARY_PATH-} "$1" "$2"
code=$?
[ $code = 77 ] && [ -n "${BRENIER_REQUIRED_NVRTC-}" ] && code=1
exit $code
