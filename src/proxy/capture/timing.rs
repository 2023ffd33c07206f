//! The waterfall: where the time of each exchange went, on one axis for all.

use std::sync::Arc;
use std::time::Duration;

use crate::proxy::{Exchange, ExchangeId, Phases};

/// What an exchange was waiting for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// A connection to the server.
    Connect,
    /// The first byte of the answer, once there was a connection.
    Wait,
    /// The rest of the answer.
    Body,
}

/// A bar of the waterfall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// What for.
    pub step: Step,
    /// From the request's head.
    pub from: Duration,
    /// Until when, from the request's head.
    pub to: Duration,
}

impl Span {
    /// How long it took.
    pub fn took(&self) -> Duration {
        self.to.saturating_sub(self.from)
    }
}

/// One exchange in the waterfall.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Which.
    pub id: ExchangeId,
    /// The process whose server answered: rows of one lane belong together.
    pub lane: Option<Arc<str>>,
    /// When it began, from the beginning of the axis.
    pub start: Duration,
    /// Its bars, one after the other.
    pub spans: Vec<Span>,
}

/// The rows of many exchanges on one axis.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waterfall {
    /// The beginning of the axis, milliseconds since 1970.
    pub from_ms: u64,
    /// How long the axis is.
    pub length: Duration,
    /// Oldest first.
    pub rows: Vec<Row>,
}

/// The bars of one exchange; what is not known (yet) has none. They never overlap, whatever the times say.
pub fn spans(phases: &Phases) -> Vec<Span> {
    let connected = phases.connect.unwrap_or_default();
    let mut spans = Vec::new();
    let mut from = Duration::ZERO;
    for (step, to) in [(Step::Connect, phases.connect), (Step::Wait, phases.first_byte), (Step::Body, phases.total)] {
        // Without an answer all the time until the end was waiting.
        let step = if step == Step::Body && phases.first_byte.is_none() { Step::Wait } else { step };
        if let Some(to) = to.map(|to| to.max(connected).max(from)).filter(|&to| to > from) {
            spans.push(Span { step, from, to });
            from = to;
        }
    }
    spans
}

/// All of them on one axis, in the order of their beginnings.
pub fn waterfall(exchanges: &[Arc<Exchange>]) -> Waterfall {
    let from_ms = exchanges.iter().map(|exchange| exchange.opened.time_ms).min().unwrap_or_default();
    let mut rows: Vec<Row> = exchanges.iter().map(|exchange| row(exchange, from_ms)).collect();
    rows.sort_by_key(|row| (row.start, row.id));
    let end = |row: &Row| row.start + row.spans.last().map_or(Duration::ZERO, |span| span.to);
    Waterfall { from_ms, length: rows.iter().map(end).max().unwrap_or_default(), rows }
}

fn row(exchange: &Exchange, from_ms: u64) -> Row {
    Row {
        id: exchange.id,
        lane: exchange.opened.process.as_ref().map(|(_, name)| Arc::clone(name)),
        start: Duration::from_millis(exchange.opened.time_ms - from_ms),
        spans: spans(&exchange.phases),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::capture::tests::exchange;
    use proptest::prelude::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn the_time_goes_into_connecting_waiting_and_the_body() {
        let phases = |connect, first_byte, total| Phases { connect, first_byte, total };
        let told = |phases| spans(&phases).into_iter().map(|span| (span.step, span.from, span.to)).collect::<Vec<_>>();
        assert_eq!(
            told(phases(Some(MS(2)), Some(MS(10)), Some(MS(15)))),
            [(Step::Connect, MS(0), MS(2)), (Step::Wait, MS(2), MS(10)), (Step::Body, MS(10), MS(15))]
        );
        assert_eq!(told(phases(None, Some(MS(10)), None)), [(Step::Wait, MS(0), MS(10))]);
        let failed = [(Step::Connect, MS(0), MS(2)), (Step::Wait, MS(2), MS(9))];
        assert_eq!(told(phases(Some(MS(2)), None, Some(MS(9)))), failed);
        assert_eq!(told(phases(None, None, None)), []);
    }

    #[test]
    fn rows_stand_on_one_axis_oldest_first() {
        let at = |id, time_ms| {
            let mut exchange = exchange(id);
            exchange.opened.time_ms = time_ms;
            Arc::new(exchange)
        };
        let fall = waterfall(&[at(2, 1100), at(1, 1000)]);
        assert_eq!((fall.from_ms, fall.length), (1000, MS(140)));
        let rows: Vec<_> = fall.rows.iter().map(|row| (row.id.0, row.start, row.lane.as_deref())).collect();
        assert_eq!(rows, [(1, MS(0), Some("web")), (2, MS(100), Some("web"))]);
        assert_eq!(waterfall(&[]), Waterfall::default());
    }

    proptest! {
        #[test]
        fn bars_follow_each_other(a in prop::option::of(0..50u64), b in prop::option::of(0..50u64), c in prop::option::of(0..50u64)) {
            let bars = spans(&Phases { connect: a.map(MS), first_byte: b.map(MS), total: c.map(MS) });
            let mut end = MS(0);
            for bar in bars {
                prop_assert!(bar.from == end && bar.to > bar.from);
                end = bar.to;
            }
        }
    }
}
