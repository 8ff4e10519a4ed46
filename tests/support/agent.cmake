# The program as users run it, what it writes to and what reads it.
add_library(bundlesync_integration_support STATIC process.cpp agent_process.cpp store.cpp reader.cpp)
target_link_libraries(bundlesync_integration_support PUBLIC bundlesync_test_support bundlesync_base fmt::fmt)
