#!/bin/bash
# The command where OpenCL is missing, in part or whole: it says what, and goes on with the other devices.
. "$(dirname "$0")/../cli/cli.sh"

# without REASON: the device is listed with the reason, and cannot be trained on.
without() {
    expect 0 devices
    grep -q "^opencl:0 .*$1" out || problem "expected opencl:0 with \"$1\" in: $(cat out)"
    expect 5 train $tiny device=opencl:0 out=run
    says "$1"
    absent run
}

mkdir no-loader
: >no-loader/libOpenCL.so.1 # found first, and no library
LD_LIBRARY_PATH=$work/no-loader without "no OpenCL loader"

if "$brenier" devices | grep "^opencl:0" | grep -q "no OpenCL loader"; then
    echo "skipped: opencl_absent without a driver (there is no loader)"
else
    OCL_ICD_VENDORS=$work/nowhere without "no OpenCL driver"
fi
finish
