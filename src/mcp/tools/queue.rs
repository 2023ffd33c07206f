//! Messages between tools and people's scripts: channels of bounded size, read by cursor, so that no message is read twice by accident.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use serde_json::{Value, json};

use super::answer::{Answer, Done, Refusal, TEXT_BYTES_MAX};
use super::schema::Arguments;
use super::table::Work;
use super::text::{count, iso, now_ms};
use super::toolbox::Toolbox;
use super::waits::{Look, Wait};

/// Bounds: beyond them the oldest message of a channel goes, a new channel is refused, a message is refused.
const MESSAGES_MAX: usize = 1000;
const CHANNELS_MAX: usize = 100;
const PAYLOAD_BYTES_MAX: usize = 64 << 10;

#[derive(Clone, Debug)]
struct Message {
    number: u64,
    time_ms: u64,
    expires_ms: u64,
    kind: String,
    payload: Value,
}

/// The channels.
pub(crate) struct Queue {
    channels: Mutex<BTreeMap<String, Channel>>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

#[derive(Debug, Default)]
struct Channel {
    sent: u64,
    messages: VecDeque<Message>,
}

impl Channel {
    fn expire(&mut self, now: u64) {
        self.messages.retain(|message| message.expires_ms > now);
    }
}

impl Queue {
    pub(crate) fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Queue {
        Queue { channels: Mutex::default(), wake }
    }

    fn send(&self, channel: &str, kind: &str, payload: Value, ttl_seconds: u64) -> Result<u64, Refusal> {
        let bytes = payload.to_string().len();
        if bytes > PAYLOAD_BYTES_MAX {
            return Err(Refusal(format!("`payload` has {bytes} bytes; at most {PAYLOAD_BYTES_MAX} are taken.")));
        }
        let now = now_ms();
        let mut channels = self.channels.lock();
        channels.values_mut().for_each(|channel| channel.expire(now));
        if !channels.contains_key(channel) && channels.len() == CHANNELS_MAX {
            // One that holds nothing any more makes room.
            let empty = channels.iter().find(|(_, channel)| channel.messages.is_empty()).map(|(name, _)| name.clone());
            let Some(empty) = empty else {
                return Err(Refusal(format!(
                    "There are {CHANNELS_MAX} channels with messages; read from one of them first."
                )));
            };
            channels.remove(&empty);
        }
        let own = channels.entry(channel.to_owned()).or_default();
        if own.messages.len() == MESSAGES_MAX {
            own.messages.pop_front();
        }
        own.sent += 1;
        let number = own.sent;
        let expires_ms = now.saturating_add(ttl_seconds.saturating_mul(1000));
        own.messages.push_back(Message { number, time_ms: now, expires_ms, kind: kind.to_owned(), payload });
        drop(channels);
        (self.wake)();
        Ok(number)
    }

    /// Messages after a number, oldest first, and the number to go on from.
    fn after(&self, channel: &str, number: u64, limit: usize) -> (Vec<Message>, u64) {
        let mut channels = self.channels.lock();
        let Some(own) = channels.get_mut(channel) else { return (Vec::new(), number) };
        own.expire(now_ms());
        // The cursor of a channel that was forgotten and made again is beyond its end.
        let number = if number > own.sent { 0 } else { number };
        let found: Vec<Message> =
            own.messages.iter().filter(|message| message.number > number).take(limit).cloned().collect();
        let next = found.last().map_or(number, |last| last.number);
        (found, next)
    }

    fn list(&self) -> Vec<Value> {
        let now = now_ms();
        let mut channels = self.channels.lock();
        let row = |(name, channel): (&String, &mut Channel)| {
            channel.expire(now);
            json!({ "channel": name, "messages": channel.messages.len(), "sent": channel.sent })
        };
        channels.iter_mut().map(row).collect()
    }
}

pub(crate) fn send(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    let (channel, kind) = (arguments.needed("channel"), arguments.text("type").unwrap_or("message"));
    let payload = arguments.value("payload").cloned().unwrap_or_default();
    let sent = toolbox.queue.send(channel, kind, payload, arguments.whole("ttl", 3600));
    Work::Done(sent.map(|number| {
        let text = format!("Sent to {channel} as message {number}.");
        Answer::new(text, json!({ "success": true, "channel": channel, "id": number.to_string() }))
    }))
}

pub(crate) fn receive(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    let Some(channel) = arguments.text("channel") else {
        let list = toolbox.queue.list();
        let text = format!("{}: {}", count(list.len(), "channel", "channels"), Value::from(list.clone()));
        return Work::Done(Ok(Answer::new(text, json!({ "messages": [], "channels": list }))));
    };
    let after = match arguments.text("cursor").map(str::parse).transpose() {
        Ok(after) => after.unwrap_or(0),
        Err(_) => return Work::Done(Err("`cursor`: give the cursor of an earlier answer as it was.".into())),
    };
    let receive = Receive {
        toolbox: Arc::clone(toolbox),
        channel: channel.to_owned(),
        after,
        limit: arguments.size("limit", 100),
        until: Instant::now() + arguments.seconds("timeout", 30),
    };
    match arguments.flag("blocking") {
        true => Work::Wait(Box::new(receive)),
        false => Work::Done(receive.answer().0),
    }
}

/// Waits for a first message.
struct Receive {
    toolbox: Arc<Toolbox>,
    channel: String,
    after: u64,
    limit: usize,
    until: Instant,
}

impl Receive {
    fn answer(&self) -> (Done, bool) {
        let (mut found, mut next) = self.toolbox.queue.after(&self.channel, self.after, self.limit);
        let mut bytes = 0;
        let fits = found.iter().take_while(|message| {
            bytes += message.payload.to_string().len();
            bytes <= TEXT_BYTES_MAX
        });
        let fits = fits.count().max(1);
        if found.len() > fits {
            found.truncate(fits);
            next = found.last().map_or(next, |last| last.number);
        }
        let one = |message: &Message| {
            json!({
                "id": message.number.to_string(), "type": message.kind, "timestamp": iso(message.time_ms),
                "payload": message.payload,
            })
        };
        let list: Vec<Value> = found.iter().map(one).collect();
        let some = !list.is_empty();
        let head = format!("{} of {}. Next cursor: {next}", count(list.len(), "message", "messages"), self.channel);
        let lines: Vec<String> = list.iter().map(Value::to_string).collect();
        let value = json!({ "messages": list, "channel": self.channel, "cursor": next.to_string() });
        (Ok(Answer::new(format!("{head}\n{}", lines.join("\n")), value)), some)
    }
}

impl Wait for Receive {
    fn look(&mut self, now: Instant) -> Look {
        let (answer, some) = self.answer();
        if some || now >= self.until { Look::Done(answer) } else { Look::Not }
    }

    fn next(&self) -> Instant {
        self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue() -> Queue {
        Queue::new(Arc::new(|| ()))
    }

    #[test]
    fn a_cursor_reads_every_message_once_and_in_order() {
        let queue = queue();
        for number in 1..=5u64 {
            assert_eq!(queue.send("a", "message", json!({ "n": number }), 60).unwrap(), number);
        }
        let (first, next) = queue.after("a", 0, 2);
        let (rest, end) = queue.after("a", next, 10);
        let all: Vec<u64> = first.iter().chain(&rest).filter_map(|message| message.payload["n"].as_u64()).collect();
        assert_eq!((all, end), (vec![1, 2, 3, 4, 5], 5));
        assert_eq!(queue.after("a", end, 10).0.len(), 0);
        assert_eq!(queue.after("none", 0, 10).1, 0);
    }

    #[test]
    fn what_is_old_or_too_much_goes() {
        let queue = queue();
        queue.send("a", "message", json!({}), 0).unwrap();
        assert!(queue.after("a", 0, 10).0.is_empty(), "expired at once");
        for _ in 0..MESSAGES_MAX + 5 {
            queue.send("b", "message", json!({}), 60).unwrap();
        }
        let (kept, _) = queue.after("b", 0, usize::MAX);
        assert_eq!((kept.len(), kept[0].number), (MESSAGES_MAX, 6));
        assert!(queue.send("b", "m", json!("x".repeat(PAYLOAD_BYTES_MAX)), 60).unwrap_err().0.contains("at most"));
        for name in 0..CHANNELS_MAX - 1 {
            queue.send(&format!("c{name}"), "m", json!({}), 60).unwrap();
        }
        assert!(queue.send("one more", "m", json!({}), 60).unwrap_err().0.contains("100 channels"));
    }
}
