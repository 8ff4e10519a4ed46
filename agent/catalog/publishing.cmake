# The catalog behind the publisher's commands.
bundlesync_room(catalog_publishing
  SOURCES postgres/catalog.cpp postgres/publishing.cpp
  LINKS bundlesync_catalog_session bundlesync_base bundlesync_bundle bundlesync_json fmt::fmt)
