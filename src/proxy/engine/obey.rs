//! Does what a rule says: waits, drops, answers instead of the server, asks another one, holds the pace.

use std::time::Duration;

use super::control::LocalAnswer;
use super::downstream::{Active, Downstream, Stage, Step};
use super::engine::Engine;
use super::pages::explain;
use super::rules::Rule;
use super::site::host_of;
use crate::io::net::Net;
use crate::wire::http1::{phrase, split_authority};

/// How often a pace is measured out.
const BEAT: Duration = Duration::from_millis(50);

impl Engine {
    /// Looks for a rule that fits. A step if it decides what happens next.
    pub(super) fn obey(&mut self, net: &mut Net, down: &mut Downstream) -> Option<Step> {
        if self.rules.is_empty() {
            return None;
        }
        let active = down.active.as_mut()?;
        let site = active.site.as_ref()?;
        let asked = active.head.authority().or(active.head.host()).and_then(host_of).unwrap_or_default();
        let server = &self.upstreams.get(site.origin).host;
        let path = std::str::from_utf8(active.head.path()).unwrap_or_default();
        let ruled = self.rules.decide(active.head.method(), [&asked, server], path)?;
        active.rule = Some(ruled.rule);
        if ruled.dropped {
            active.dropped = true;
        }
        if ruled.delay.is_zero() {
            return self.apply(net, down);
        }
        active.stage = Stage::Delayed;
        net.set_deadline(down.link.key, None);
        net.alarm(down.link.key, net.now() + ruled.delay);
        Some(Step::Wait)
    }

    /// Does what the rule says once its time has come. A step if the request goes no further.
    fn apply(&mut self, net: &mut Net, down: &mut Downstream) -> Option<Step> {
        let active = down.active.as_mut()?;
        let rule = active.rule.clone()?;
        if active.dropped {
            if let Some(record) = &mut active.record {
                record.fail("rule", format!("A rule drops {} of 100 such requests.", rule.drop_percent));
            }
            return Some(Step::Reset);
        }
        if let Some(path) = &rule.body_file {
            return Some(self.answer_with_file(net, down, path));
        }
        if let Some(status) = rule.status {
            let text = format!("{}\n", phrase(status)).into_bytes();
            return Some(self.own(net, down, &LocalAnswer::new(status, "text/plain; charset=utf-8", text)));
        }
        if let Some(url) = &rule.map_to {
            let found = self.origin_of(net, url);
            let active = down.active.as_mut()?;
            let (Some(new), Some(old)) = (found, active.origin) else {
                let answer = explain(502, "A rule maps this request to what is no server.", url, false);
                return Some(self.own(net, down, &answer));
            };
            self.upstreams.get_mut(old).users -= 1;
            self.upstreams.get_mut(new).users += 1;
            active.origin = Some(new);
        }
        let active = down.active.as_mut()?;
        active.download.allowance = rule.bytes_per_second.map(of_a_beat);
        None
    }

    fn origin_of(&mut self, net: &mut Net, url: &str) -> Option<super::upstream::OriginId> {
        let (scheme, rest) = url.split_once("://")?;
        let secure = scheme.eq_ignore_ascii_case("https");
        let (host, port) = split_authority(rest.trim_end_matches('/').as_bytes())?;
        self.upstreams.find(net, secure, host, port.unwrap_or(if secure { 443 } else { 80 }))
    }

    /// The time that a rule set has come.
    pub(super) fn woken(&mut self, net: &mut Net, down: &mut Downstream) -> Step {
        let Some(active) = &mut down.active else { return Step::Wait };
        active.alarm_set = false;
        match (active.stage, &active.rule) {
            (Stage::Delayed, _) => match self.apply(net, down) {
                Some(step) => step,
                None => self.send_on(net, down),
            },
            (Stage::Moving, Some(rule)) => {
                active.download.allowance = rule.bytes_per_second.map(of_a_beat);
                Step::Go
            }
            _ => Step::Wait,
        }
    }

    /// The pace is used up: the next bytes go in the next beat.
    pub(super) fn hold_pace(net: &mut Net, down: &mut Downstream) {
        let Some(active) = &mut down.active else { return };
        if !std::mem::replace(&mut active.alarm_set, true) {
            net.alarm(down.link.key, net.now() + BEAT);
        }
    }
}

/// What a rule changes in the head of an answer.
pub(super) fn edit_answer(active: &mut Active) {
    let Active { rule: Some(rule), edits, .. } = active else { return };
    for name in &rule.remove_headers {
        edits.remove(name.clone());
    }
    for (name, value) in &rule.set_headers {
        edits.set(name.clone(), value.clone());
    }
}

fn of_a_beat(bytes_per_second: u64) -> usize {
    let beats = 1000 / BEAT.as_millis() as u64;
    usize::try_from((bytes_per_second / beats).max(1)).unwrap_or(usize::MAX)
}

/// The fields of an answer of our own, with what a rule changes in them; those of framing and of the connection are not its to change.
pub(super) fn own_fields<'a>(answer: &'a LocalAnswer, rule: Option<&'a Rule>) -> Vec<(&'a str, &'a str)> {
    const FIXED: [&str; 3] = ["content-length", "transfer-encoding", "connection"];
    let is = |one: &str, other: &str| one.eq_ignore_ascii_case(other);
    let kind = (answer.status != 204).then_some(("Content-Type", answer.content_type));
    let own = answer.headers.iter().map(|(name, value)| (*name, &**value));
    let mut fields: Vec<(&str, &str)> = kind.into_iter().chain(own).collect();
    if let Some(rule) = rule {
        fields.retain(|(name, _)| {
            !rule.remove_headers.iter().any(|removed| is(removed, name))
                && !rule.set_headers.iter().any(|(set, _)| is(set, name))
        });
        let set = rule.set_headers.iter().filter(|(name, _)| !FIXED.iter().any(|fixed| is(fixed, name)));
        fields.extend(set.map(|(name, value)| (&**name, &**value)));
    }
    fields
}
