#pragma once

#include "async/wakeup.hpp"

#include <cstddef>
#include <list>
#include <utility>

namespace bundlesync::sync {

/// A bound on how much goes on at once. Loop thread only. What waits is served in order of asking.
class Permits {
 public:
  Permits(asio::any_io_executor executor, std::size_t count) : executor_(std::move(executor)), free_(count) {}

  /// Held from take() to destruction.
  class Permit {
   public:
    explicit Permit(Permits& owner) : owner_(&owner) {}
    Permit(Permit&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)) {}
    Permit& operator=(Permit&&) = delete;
    ~Permit() {
      if (owner_) owner_->give_back();
    }

   private:
    Permits* owner_;
  };

  Task<Permit> take();

 private:
  void give_back();

  asio::any_io_executor executor_;
  std::size_t free_;
  std::list<async::Wakeup*> waiting_;
};

/// Bounds of what comes from storage at once.
struct FetchPermits {
  FetchPermits(asio::any_io_executor executor, std::size_t parallel)
      : objects(executor, parallel), prefetches(executor, parallel < 8 ? 1 : parallel / 4) {}
  Permits objects;
  Permits prefetches;  ///< taken before `objects`, by what nobody waits for
};

}  // namespace bundlesync::sync
