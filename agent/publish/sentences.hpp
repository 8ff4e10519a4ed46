#pragma once

#include "publish/commands.hpp"
#include "publish/plan.hpp"

/// What changed and how to undo it, in words: fills `changed` and `undo` of a result that is complete otherwise.
namespace bundlesync::publish {

void say_published(PublishResult& result);
void say_rehearsed(PublishResult& result, const Known& known, bool set_default);
void say_moved(MoveResult& result);
void say_abandoned(AbandonResult& result);

}  // namespace bundlesync::publish
