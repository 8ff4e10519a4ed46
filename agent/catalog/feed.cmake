# The feed: the port's policy, and Postgres behind the port.
bundlesync_room(catalog
  SOURCES watch_plan.cpp
  LINKS bundlesync_base bundlesync_plan bundlesync_async)

bundlesync_room(catalog_feed
  SOURCES postgres/answer_json.cpp postgres/connection.cpp postgres/conninfo.cpp postgres/postgres_feed.cpp
          postgres/resolve.cpp
  LINKS bundlesync_catalog bundlesync_catalog_session bundlesync_json bundlesync_bundle PostgreSQL::PostgreSQL)
