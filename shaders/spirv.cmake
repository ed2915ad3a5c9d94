# Kernels as SPIR-V for Vulkan: version line, constants, preludes and kernel make one GLSL text, which glslc
# compiles at build time into a list of words.
#   brn_spirv(MODULE FILE "constants")   adds one module; the buffers and parameters of FILE are read from its text
#   brn_spirv_finish()                   writes generated/spirv_modules.inc, which backends/vulkan includes
find_program(BRENIER_GLSLC glslc)
set(BRN_SPIRV_FOLDER ${PROJECT_BINARY_DIR}/generated/spirv)
set(BRN_SPIRV_INCLUDES "/* Made from the kernels by shaders/spirv.cmake. */\n")
set(BRN_SPIRV_TABLE "")
set(BRN_SPIRV_OUTPUTS "")
file(MAKE_DIRECTORY ${BRN_SPIRV_FOLDER})
if(NOT BRENIER_GLSLC)
  message(STATUS "brenier: built without kernels for Vulkan (they need glslc)")
endif()

set(BRN_GLSL_COMMON "")
foreach(part glsl ${BRN_COMMON_PRELUDE})
  file(READ ${CMAKE_CURRENT_SOURCE_DIR}/prelude/${part}.h text)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/prelude/${part}.h)
  if(part STREQUAL "glsl")
    set(BRN_GLSL_PRELUDE "${text}")
  else()
    string(APPEND BRN_GLSL_COMMON "${text}")
  endif()
endforeach()

function(brn_spirv module file constants)
  if(NOT BRENIER_GLSLC)
    return()
  endif()
  file(READ ${file} kernel)
  string(REGEX MATCH "PARAMS\\([a-z_0-9]+\\)[^;#]*PARAMS_END" params "${kernel}")
  string(REGEX MATCHALL "P_[IUF]\\(" words "${params}")
  string(REGEX MATCHALL "(IN|OUT)\\([0-9]+, *[a-z]+, *[a-z_0-9A-Z]+\\)" buffers "${kernel}")
  list(LENGTH words size)
  list(LENGTH buffers count)
  math(EXPR size "${size} + ${count}")
  if(size GREATER 32)
    message(FATAL_ERROR "${file}: ${size} parameters and buffers; a command has room for 32 words")
  endif()
  set(offsets "")
  set(body "${BRN_GLSL_COMMON}${kernel}")
  foreach(buffer ${buffers})
    string(REGEX REPLACE ".*, *([a-z_0-9A-Z]+)\\)" "\\1" name "${buffer}")
    string(APPEND offsets " P_I(${name}_at)")
    string(REGEX REPLACE "([^a-zA-Z0-9_.])${name}\\[" "\\1${name}[P.${name}_at + " body "${body}")
    string(REPLACE "${name}[P.${name}_at + " "" rest "${body}")
    if(rest MATCHES "[^a-zA-Z0-9_.]${name}\\[")
      message(FATAL_ERROR "${file}: an index of ${name} contains ${name}")
    endif()
  endforeach()
  set(text "#version 450\n${constants}#define BUFFER_OFFSETS${offsets}\n${BRN_GLSL_PRELUDE}${body}")
  file(CONFIGURE OUTPUT ${BRN_SPIRV_FOLDER}/${module}.comp CONTENT "${text}" @ONLY)
  # Not optimised: copies of an unrolled loop would lose what makes them precise, and drivers do it all again.
  # -w: glslc has no other way to be told that "precise" on arguments is meant for their use
  add_custom_command(OUTPUT ${BRN_SPIRV_FOLDER}/${module}.inc
    COMMAND ${BRENIER_GLSLC} --target-env=vulkan1.1 -w -mfmt=num -o ${module}.inc ${module}.comp
    DEPENDS ${BRN_SPIRV_FOLDER}/${module}.comp WORKING_DIRECTORY ${BRN_SPIRV_FOLDER}
    COMMENT "SPIR-V ${module}" VERBATIM)
  set(BRN_SPIRV_OUTPUTS ${BRN_SPIRV_OUTPUTS} ${BRN_SPIRV_FOLDER}/${module}.inc PARENT_SCOPE)
  set(BRN_SPIRV_INCLUDES "${BRN_SPIRV_INCLUDES}static const uint32_t spirv_${module}[] = {\n#include \"spirv/${module}.inc\"\n};\n" PARENT_SCOPE)
  set(BRN_SPIRV_TABLE "${BRN_SPIRV_TABLE}    {\"${module}\", spirv_${module}, sizeof spirv_${module}}, \\\n" PARENT_SCOPE)
endfunction()

function(brn_spirv_finish)
  file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/spirv_modules.inc @ONLY
       CONTENT "${BRN_SPIRV_INCLUDES}\n/* {name, words, bytes}, */\n#define BRN_SPIRV_MODULES \\\n${BRN_SPIRV_TABLE}\n/* X(name, BM, BN, BK, TM, TN) */\n#define BRN_SPIRV_TILES(X)${BRN_SPIRV_TILES}\n")
  add_custom_target(brenier_spirv DEPENDS ${BRN_SPIRV_OUTPUTS})
  add_dependencies(brenier_objects brenier_spirv)
endfunction()
