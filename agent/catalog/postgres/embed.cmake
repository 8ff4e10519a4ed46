# Run by CMake as a script (-P) it writes the C++ source that carries migrations/*.sql; included, it offers
# bundlesync_embed_migrations(VARIABLE), which makes that source anew whenever a file changes, comes or goes.

if(CMAKE_SCRIPT_MODE_FILE)
  set(source "// Made from migrations/*.sql by agent/catalog/postgres/embed.cmake.\n")
  string(APPEND source "#include \"catalog/postgres/migrations.hpp\"\n\nnamespace bundlesync::catalog {\n\n")
  string(APPEND source "const std::vector<EmbeddedFile>& embedded_files() {\n")
  string(APPEND source "  static const std::vector<EmbeddedFile> files = {\n")
  file(GLOB files ${MIGRATIONS}/*.sql)
  list(SORT files)
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WLE)
    file(READ ${file} hex HEX)
    # Pieces, because a string literal has an upper bound; hex, because SQL has quotes and semicolons of its own.
    string(REGEX MATCHALL "[0-9a-f][0-9a-f]" bytes "${hex}")
    list(LENGTH bytes size)
    list(TRANSFORM bytes REPLACE "^(..)$" "\\\\x\\1" )
    set(literals "")
    set(at 0)
    while(at LESS size)
      list(SUBLIST bytes ${at} 1000 piece)
      list(JOIN piece "" piece)
      string(APPEND literals "\n       \"${piece}\"")
      math(EXPR at "${at} + 1000")
    endwhile()
    string(APPEND source "      {\"${name}\", std::string_view(${literals}, ${size})},\n")
  endforeach()
  string(APPEND source "  };\n  return files;\n}\n\n}  // namespace bundlesync::catalog\n")
  file(WRITE ${OUTPUT} "${source}")
  return()
endif()

set(BUNDLESYNC_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})

function(bundlesync_embed_migrations VARIABLE)
  set(folder ${CMAKE_SOURCE_DIR}/migrations)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/embedded_migrations.cpp)
  file(GLOB files CONFIGURE_DEPENDS ${folder}/*.sql)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} -DMIGRATIONS=${folder} -DOUTPUT=${output} -P ${BUNDLESYNC_EMBED_SCRIPT}
    DEPENDS ${files} ${BUNDLESYNC_EMBED_SCRIPT}
    COMMENT "Embedding migrations/*.sql"
    VERBATIM)
  set(${VARIABLE} ${output} PARENT_SCOPE)
endfunction()
