# What the library links, gathered in one interface target. A missing optional package switches its
# feature off with a clear line, never the build.
add_library(brenier_dependencies INTERFACE)
find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
find_library(BRENIER_OPENBLAS openblas REQUIRED)   # loaded at run time (src/core/blas.c); linked by bench/ops
find_path(BRENIER_CBLAS_INCLUDE cblas.h REQUIRED)
pkg_check_modules(YAML REQUIRED IMPORTED_TARGET yaml-0.1)
pkg_check_modules(CJSON REQUIRED IMPORTED_TARGET libcjson)
pkg_check_modules(ZIP IMPORTED_TARGET libzip)
pkg_check_modules(CAIRO IMPORTED_TARGET cairo)

target_include_directories(brenier_dependencies INTERFACE ${BRENIER_CBLAS_INCLUDE})
target_link_libraries(brenier_dependencies INTERFACE
  Threads::Threads m dl PkgConfig::YAML PkgConfig::CJSON)

foreach(feature ZIP CAIRO)
  if(${feature}_FOUND)
    target_link_libraries(brenier_dependencies INTERFACE PkgConfig::${feature})
    target_compile_definitions(brenier_dependencies INTERFACE BRN_HAVE_${feature}=1)
  else()
    target_compile_definitions(brenier_dependencies INTERFACE BRN_HAVE_${feature}=0)
    message(STATUS "brenier: built without ${feature} (NPZ files need libzip-dev, figures need libcairo2-dev)")
  endif()
endforeach()
