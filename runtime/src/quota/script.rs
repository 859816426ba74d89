//! The bucket in Redis: a generic cell rate algorithm, run by Redis so that all replicas share one clock and one state.
//!
//! Stored, per account, in a hash: `tat` (when the bucket will be full again), `born` (when it was made, to tell a bucket
//! from the one that was lost before it), `pause` (no call before), `day_left`, `day_until`, `day_probe`; all times in
//! microseconds of the server's clock.

use redis::Script;
use redis::aio::ConnectionManager;

use super::account::{Account, Pace};
use crate::stream::RedisError;

/// Keys of accounts without calls vanish, in milliseconds: longer than a day's count lives.
const LIFE: u64 = 26 * 3600 * 1000;

const PRELUDE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local state = {}
local flat = redis.call('HGETALL', KEYS[1])
for i = 1, #flat, 2 do state[flat[i]] = tonumber(flat[i + 1]) end
local function set(name, value)
  state[name] = value
  redis.call('HSET', KEYS[1], name, string.format('%.0f', value))
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
";

/// ARGV: life, interval, burst, reserve, daily, debt (calls made without asking, while Redis was away). Answers {wait in microseconds or 0, born}.
const ACQUIRE: &str = r"
local interval, burst, reserve, daily = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local day = 86400000000
if not state.tat then
  set('tat', now + (burst + 1) * interval)
  set('born', now)
end
-- A server whose clock went back must not hold the account up for longer than an empty bucket would.
local ceiling = now + (burst + 20) * interval
local debt = tonumber(ARGV[6]) * interval
if debt > 0 or state.tat > ceiling then set('tat', math.min(state.tat + debt, ceiling)) end
local wait = 0
if state.pause and state.pause > now then
  wait = math.min(state.pause - now, day)
else
  local tat = math.max(state.tat, now)
  wait = math.max(0, tat + interval - now - (burst - reserve) * interval)
end
if wait == 0 and daily > 0 then
  if not state.day_until or state.day_until <= now then
    set('day_left', daily)
    set('day_until', now + day)
  end
  if state.day_left > 0 then
    set('day_left', state.day_left - 1)
  elseif (state.day_probe or 0) > now then
    wait = state.day_probe - now
  else
    -- The vendor's day may be over already: one call now and then finds out.
    set('day_probe', now + 900000000)
  end
end
if wait == 0 then set('tat', math.max(state.tat, now) + interval) end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return { string.format('%.0f', wait), string.format('%.0f', state.born) }
";

/// ARGV: life, interval, born. Gives an unused call back, if the bucket that granted it still exists.
const REFUND: &str = r"
if state.born and state.born == tonumber(ARGV[3]) then set('tat', state.tat - tonumber(ARGV[2])) end
return 1
";

/// ARGV: life, interval, burst, pause or 0, remaining or -1 (if it is as much as we leave), day_left or -1. Takes over what the vendor says.
const CORRECT: &str = r"
local interval, burst, pause = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local remaining, day_left = tonumber(ARGV[5]), tonumber(ARGV[6])
if pause > 0 then set('pause', math.max(state.pause or 0, now + pause)) end
if state.tat and remaining >= 0 then
  -- Somebody else uses the account too: no bursts, and a short rest if nothing is left.
  local least = now + burst * interval
  if remaining == 0 then least = least + 8 * interval end
  set('tat', math.max(state.tat, least))
end
if day_left >= 0 then
  set('day_left', day_left)
  set('day_until', now + 86400000000)
end
redis.call('PEXPIRE', KEYS[1], ARGV[1])
return 1
";

/// The scripts; loaded into Redis when it does not know them.
pub(super) struct Scripts {
    acquire: Script,
    refund: Script,
    correct: Script,
}

/// What a vendor said, in microseconds and calls.
pub(super) struct Correction {
    pub(super) pause: u64,
    pub(super) remaining: Option<u32>,
    pub(super) day_left: Option<u32>,
}

/// Answer of the bucket.
pub(super) struct Answer {
    /// Microseconds until a try makes sense; 0 is a grant.
    pub(super) wait: u64,
    /// Identity of the bucket.
    pub(super) born: u64,
}

impl Scripts {
    pub(super) fn new() -> Self {
        let script = |body: &str| Script::new(&format!("{PRELUDE}{body}"));
        Self {
            acquire: script(ACQUIRE),
            refund: script(REFUND),
            correct: script(CORRECT),
        }
    }

    pub(super) async fn acquire(
        &self,
        connection: &mut ConnectionManager,
        key: &str,
        pace: &Pace,
        account: &Account,
        debt: u32,
    ) -> Result<Answer, RedisError> {
        let mut call = self.acquire.key(key);
        call.arg(LIFE).arg(micros(pace)).arg(pace.burst).arg(pace.reserve);
        call.arg(account.limits.daily.unwrap_or(0)).arg(debt);
        let (wait, born): (u64, u64) = call.invoke_async(connection).await?;
        Ok(Answer { wait, born })
    }

    pub(super) async fn refund(
        &self,
        connection: &mut ConnectionManager,
        key: &str,
        pace: &Pace,
        born: u64,
    ) -> Result<(), RedisError> {
        self.refund
            .key(key)
            .arg(LIFE)
            .arg(micros(pace))
            .arg(born)
            .invoke_async(connection)
            .await
    }

    pub(super) async fn correct(
        &self,
        connection: &mut ConnectionManager,
        key: &str,
        pace: &Pace,
        correction: &Correction,
    ) -> Result<(), RedisError> {
        let or_absent = |value: Option<u32>| value.map_or(-1, i64::from);
        let mut call = self.correct.key(key);
        call.arg(LIFE)
            .arg(micros(pace))
            .arg(pace.burst)
            .arg(correction.pause);
        call.arg(or_absent(correction.remaining))
            .arg(or_absent(correction.day_left))
            .invoke_async(connection)
            .await
    }
}

/// Rounded up: a shorter interval would allow more than the limit.
fn micros(pace: &Pace) -> u64 {
    u64::try_from(pace.interval.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX)
}
