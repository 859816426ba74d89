//! Removes consumers from the group, without losing what was delivered to them.

use std::time::Duration;

use redis::{RedisResult, Script};

use super::connection::Redis;
use super::keys::GROUP;

/// Deletes consumers that have nothing pending: the one named, or all that were idle for longer than the limit. A
/// script, since deleting a consumer forgets what was delivered to it in between.
const REMOVE: &str = r"
local removed = 0
for _, key in ipairs(KEYS) do
  local consumers = redis.pcall('XINFO', 'CONSUMERS', key, ARGV[1])
  if not consumers.err then
    for _, fields in ipairs(consumers) do
      local consumer = {}
      for i = 1, #fields, 2 do consumer[fields[i]] = fields[i + 1] end
      local chosen = consumer.name == ARGV[2] or (ARGV[2] == '' and consumer.idle > tonumber(ARGV[3]))
      if chosen and consumer.pending == 0 then
        redis.call('XGROUP', 'DELCONSUMER', key, ARGV[1], consumer.name)
        removed = removed + 1
      end
    end
  end
end
return removed";

/// Removes consumers with nothing pending from the streams' groups: the one of this name or, if it is empty, all that
/// were idle for longer than `idle`. Answers how many were removed.
pub(super) async fn remove<'a>(
    redis: &Redis,
    streams: impl Iterator<Item = &'a str>,
    name: &str,
    idle: Duration,
) -> RedisResult<u64> {
    let script = Script::new(REMOVE);
    let mut call = script.prepare_invoke();
    for stream in streams {
        call.key(stream);
    }
    call.arg(GROUP)
        .arg(name)
        .arg(u64::try_from(idle.as_millis()).unwrap_or(u64::MAX));
    call.invoke_async(&mut redis.commands()).await
}
