# Writes OUT: one {"name", R"text(...)text"} pair for each of FILES, in order.
list(SORT FILES)
set(text "")
foreach(file ${FILES})
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} body)
  string(APPEND text "{\"${name}\", R\"text(${body})text\"},\n")
endforeach()
file(WRITE ${OUT} "${text}")
