# Debian packages as imported targets dep::NAME.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)

# cu_pkg(NAME module): through pkg-config.
function(cu_pkg name module)
  pkg_check_modules(${name} REQUIRED IMPORTED_TARGET GLOBAL ${module})
  add_library(dep::${name} ALIAS PkgConfig::${name})
endfunction()

# cu_lib(NAME header library): packages without a pkg-config file.
function(cu_lib name header library)
  find_path(${name}_INCLUDE ${header} REQUIRED)
  find_library(${name}_LIBRARY ${library} REQUIRED)
  add_library(dep_${name} INTERFACE)
  target_include_directories(dep_${name} SYSTEM INTERFACE ${${name}_INCLUDE})
  target_link_libraries(dep_${name} INTERFACE ${${name}_LIBRARY})
  add_library(dep::${name} ALIAS dep_${name})
endfunction()

cu_pkg(rdkafka rdkafka)
cu_pkg(curl libcurl)
cu_pkg(simdjson simdjson)
cu_pkg(jansson jansson)
cu_pkg(microhttpd libmicrohttpd)
cu_pkg(pq libpq)
cu_pkg(pcre2 libpcre2-8)
cu_pkg(lz4 liblz4)
cu_lib(avro avro.h avro)
cu_lib(rocksdb rocksdb/c.h rocksdb)

# Header only.
find_path(xxhash_INCLUDE xxhash.h REQUIRED)
add_library(dep_xxhash INTERFACE)
target_include_directories(dep_xxhash SYSTEM INTERFACE ${xxhash_INCLUDE})
target_link_libraries(dep_xxhash INTERFACE Threads::Threads m)
add_library(dep::xxhash ALIAS dep_xxhash)

# PostgreSQL's own parser, statically, so that none of its symbols leak.
find_path(pg_query_INCLUDE pg_query.h REQUIRED)
find_library(pg_query_LIBRARY NAMES libpg_query.a pg_query REQUIRED)
add_library(dep_pg_query INTERFACE)
target_include_directories(dep_pg_query SYSTEM INTERFACE ${pg_query_INCLUDE})
target_link_libraries(dep_pg_query INTERFACE ${pg_query_LIBRARY} Threads::Threads)
add_library(dep::pg_query ALIAS dep_pg_query)

# malloc: RocksDB's many blocks of many sizes fragment glibc's (a third of the
# CPU of cold state went there).  Not with sanitizers, which bring their own.
option(CUPEL_JEMALLOC "Link jemalloc when it is there" ON)
add_library(dep_malloc INTERFACE)
if(CUPEL_JEMALLOC AND NOT CUPEL_SANITIZE)
  find_library(jemalloc_LIBRARY jemalloc)
  if(jemalloc_LIBRARY)
    target_link_libraries(dep_malloc INTERFACE ${jemalloc_LIBRARY})
  endif()
endif()
add_library(dep::malloc ALIAS dep_malloc)

if(CUPEL_TESTS)
  cu_lib(criterion criterion/criterion.h criterion)
endif()
