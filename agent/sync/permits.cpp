#include "sync/permits.hpp"

namespace bundlesync::sync {

Task<Permits::Permit> Permits::take() {
  if (free_ == 0) {
    async::Wakeup turn(executor_);
    const auto place = waiting_.insert(waiting_.end(), &turn);
    struct Leave {  // also when the wait is cancelled
      std::list<async::Wakeup*>& list;
      std::list<async::Wakeup*>::iterator place;
      ~Leave() { list.erase(place); }
    } leave{waiting_, place};
    while (free_ == 0) co_await turn.wait();
  }
  --free_;
  co_return Permit(*this);
}

void Permits::give_back() {
  ++free_;
  if (!waiting_.empty()) waiting_.front()->notify();
}

}  // namespace bundlesync::sync
