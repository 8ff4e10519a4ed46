# The feed: the port's policy, and Postgres behind the port.
bundlesync_room(catalog
  SOURCES watch_plan.cpp
  LINKS bundlesync_base bundlesync_plan bundlesync_async)
