# CUDA kernels compiled when the library is built: brn_cuda_fatbin() makes a C file that defines brn_cuda_built_in
# (backends/cuda/cuda.h). This file is also the script that the rule runs, with NVCC, TEXTS, FOLDER, ARCHITECTURES and OUT.

# OUT: the C file; NVCC: the compiler; ARCHITECTURES: as in 70;75, those that it does not know are left out
function(brn_cuda_fatbin OUT NVCC ARCHITECTURES)
  get_filename_component(folder ${OUT} DIRECTORY)
  string(REPLACE ";" "," wanted "${ARCHITECTURES}")
  add_custom_command(OUTPUT ${OUT}
    COMMAND ${CMAKE_COMMAND} -D NVCC=${NVCC} -D TEXTS=$<TARGET_FILE:brenier-cuda-texts> -D FOLDER=${folder}/cuda-programs -D ARCHITECTURES=${wanted} -D OUT=${OUT}
            -P ${PROJECT_SOURCE_DIR}/cmake/cuda_fatbin.cmake
    DEPENDS brenier-cuda-texts ${PROJECT_SOURCE_DIR}/cmake/cuda_fatbin.cmake ${ARGN}
    COMMENT "CUDA kernels by ${NVCC}" VERBATIM)
endfunction()

if(NOT CMAKE_SCRIPT_MODE_FILE)
  return()
endif()

cmake_minimum_required(VERSION 3.25)

function(ask out)
  execute_process(COMMAND ${ARGN} OUTPUT_VARIABLE said ERROR_VARIABLE log RESULT_VARIABLE code OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(NOT code EQUAL 0)
    list(JOIN ARGN " " command)
    message(FATAL_ERROR "brenier: ${command}: ${code}\n${log}${said}")
  endif()
  set(${out} "${said}" PARENT_SCOPE)
endfunction()

# ---- the compiler, and what it knows of what is wanted
file(MAKE_DIRECTORY ${FOLDER})
ask(version ${NVCC} --version)
if(NOT version MATCHES "release ([0-9]+)\\.([0-9]+)")
  message(FATAL_ERROR "brenier: ${NVCC} does not say which version it is:\n${version}")
endif()
math(EXPR toolkit "${CMAKE_MATCH_1} * 1000 + ${CMAKE_MATCH_2} * 10")
ask(codes ${NVCC} --list-gpu-code)
string(REGEX MATCHALL "[0-9]+" known "${codes}")
string(REPLACE "," ";" wanted "${ARCHITECTURES}")
set(architectures "")
foreach(a ${wanted})
  if(a IN_LIST known)
    list(APPEND architectures ${a})
  else()
    message(STATUS "brenier: this nvcc does not know sm_${a}, whose kernels stay for NVRTC")
  endif()
endforeach()
if(NOT architectures)
  message(FATAL_ERROR "brenier: ${NVCC} knows none of ${ARCHITECTURES}: ${codes}")
endif()
list(SORT architectures COMPARE NATURAL)
list(GET architectures 0 oldest)
list(GET architectures -1 newest)
set(code "")
foreach(a ${architectures})
  list(APPEND code -gencode arch=compute_${a},code=sm_${a})
endforeach()
list(APPEND code -gencode arch=compute_${newest},code=compute_${newest})

# ---- each program
ask(texts ${TEXTS} ${FOLDER})
string(REPLACE "\n" ";" texts "${texts}")
list(POP_FRONT texts options)
separate_arguments(options)
set(number 0)
set(images "")
set(rows "")
foreach(text ${texts})
  separate_arguments(text)
  list(GET text 0 kind)
  list(GET text 1 high)
  list(GET text 2 low)
  list(GET text 3 how)
  if(how STREQUAL "intermediate") # as old as CUDA 12.4, whatever made it: the driver need not be as new
    set(image ${FOLDER}/${kind}.ptx)
    ask(_ ${NVCC} ${options} --ptx -arch=compute_${oldest} -o ${image} ${FOLDER}/${kind}.cu)
    file(STRINGS ${image} version REGEX "^\\.version 8\\.[5-9]|^\\.version (9|[1-9][0-9])\\.")
    if(version)
      file(READ ${image} ptx)
      string(REPLACE "${version}" ".version 8.4" ptx "${ptx}")
      file(WRITE ${image} "${ptx}")
    endif()
  else()
    set(image ${FOLDER}/${kind}.fatbin)
    ask(_ ${NVCC} ${options} --fatbin ${code} -o ${image} ${FOLDER}/${kind}.cu)
  endif()
  string(APPEND images "    \".balign 64\\nbrn_image_${number}:\\n.incbin \\\"${image}\\\"\\n.byte 0\\n\"\n")
  string(APPEND symbols "extern const char brn_image_${number}[];\n")
  string(APPEND rows "        {\"${kind}\", {${high}u, ${low}u}, brn_image_${number}},\n")
  math(EXPR number "${number} + 1")
endforeach()
list(JOIN architectures ", " list)
file(WRITE ${OUT} "/* Made by cmake/cuda_fatbin.cmake. */
#include \"cuda/cuda.h\"

__asm__(\".pushsection .rodata\\n\"
${images}    \".popsection\\n\");
${symbols}
static const int architectures[] = {${list}, 0};
const brn_cuda_embedded brn_cuda_built_in = {
    .toolkit = ${toolkit},
    .architectures = architectures,
    .program = {
${rows}    },
};
")
message(STATUS "brenier: CUDA kernels embedded for ${list}")
