#include "catalog/postgres/resolve.hpp"

#include <gtest/gtest.h>

namespace bundlesync::catalog::postgres {
namespace {

Host host(std::string name, std::string address = "") {
  return Host{std::move(name), std::move(address), "5432"};
}

TEST(Resolve, LeavesSocketsAndAddressesAsTheyAre) {
  const std::vector<Host> hosts = {host("/run/postgresql"), host("db", "10.0.0.1")};
  EXPECT_EQ(resolve(hosts).value(), hosts);
}

TEST(Resolve, GivesANumericHostItsAddress) {
  EXPECT_EQ(resolve({host("127.0.0.1")}).value(), std::vector{host("127.0.0.1", "127.0.0.1")});
  EXPECT_EQ(resolve({host("::1")}).value(), std::vector{host("::1", "::1")});
}

TEST(Resolve, LeavesOutANameWithoutAddressWhileOthersHaveOne) {
  EXPECT_EQ(resolve({host("no-such-host.invalid"), host("127.0.0.1")}).value(),
            std::vector{host("127.0.0.1", "127.0.0.1")});
}

TEST(Resolve, NamesTheHostWhenNoneHasAnAddress) {
  const auto found = resolve({host("no-such-host.invalid")});
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind(), ErrorKind::unavailable);
  EXPECT_TRUE(found.error().fact().starts_with("the host name 'no-such-host.invalid' has no address: "));
  EXPECT_EQ(found.error().hints().at(0), "check the host in database.url and the DNS of this machine");
}

}  // namespace
}  // namespace bundlesync::catalog::postgres
