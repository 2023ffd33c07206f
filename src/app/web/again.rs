//! Sends a kept request again, and says how the answers differ from the one that was kept.

use std::sync::Arc;
use std::time::Duration;

use super::service::Web;
use crate::app::view::Reply;
use crate::error::{Code, Error, Result};
use crate::event::Level;
use crate::proxy::capture::Secrets;
use crate::proxy::capture::diff::diff;
use crate::proxy::capture::replay::{Changes, Sender, replay, request};
use crate::proxy::{Exchange, ExchangeId};
use crate::runtime::Priority;
use crate::runtime::context::Context;
use crate::runtime::pool::Pool;

/// The longest time that all answers together may take.
const LIMIT: Duration = Duration::from_secs(60);

impl Web {
    /// Sends it again `times` times, one after the other; what came of it is told in a message.
    ///
    /// # Errors
    /// NOT_FOUND: it is no longer kept. INVALID_STATE: it cannot be sent again; why.
    pub(crate) fn again(self: &Arc<Web>, id: ExchangeId, times: u32, pool: &Pool) -> Result<Reply> {
        let first = self.kept(id)?;
        let request = request(&first, &Changes::default())?;
        let proxy = self.begin()?;
        let web = self.clone();
        let work = move || {
            let context = Context::background().with_timeout(LIMIT);
            let answers = replay(&*proxy, &web.capture, &request, times as usize, &context);
            let failed = answers.iter().any(|answer| answer.as_ref().map_or(true, |answer| answer.is_error()));
            let level = if failed { Level::Warn } else { Level::Info };
            web.say(level, format!("replay of #{}: {}", id.0, summary(&first, &answers)));
        };
        pool.spawn(Priority::Low, work)?;
        let count = if times == 1 { String::new() } else { format!(" {times} times") };
        Ok(Reply::Done(format!("sending #{} again{count}", id.0)))
    }

    /// Sends it once, changed, and answers the number of the exchange that this becomes.
    ///
    /// # Errors
    /// As [`Web::again`].
    pub(crate) fn send_again(&self, id: ExchangeId, changes: &Changes) -> Result<ExchangeId> {
        let request = request(&*self.kept(id)?, changes)?;
        self.begin()?.send(request)
    }

    fn kept(&self, id: ExchangeId) -> Result<Arc<Exchange>> {
        let missing = || Error::new("replay", Code::NotFound, format!("no request #{} is kept", id.0));
        self.capture.get(id).ok_or_else(missing)
    }
}

/// `#13 200 in 12 ms, the same answer; #14 500 in 3 ms, 2 lines more and 1 less`.
fn summary(first: &Exchange, answers: &[Result<Arc<Exchange>>]) -> String {
    let one = |answer: &Result<Arc<Exchange>>| match answer {
        Err(error) => error.message().to_owned(),
        Ok(answer) => {
            let status = answer.status.map_or("no answer".to_owned(), |status| status.to_string());
            let took = answer.phases.total.map_or(String::new(), |took| format!(" in {} ms", took.as_millis()));
            let change = diff(first, answer, Secrets::Masked);
            let change = match (change.is_same(), change.lines_changed()) {
                (true, _) => "the same answer".to_owned(),
                (false, (0, 0)) => "other fields, the same body".to_owned(),
                (false, (less, more)) => format!("{more} lines more and {less} less"),
            };
            format!("#{} {status}{took}, {change}", answer.id.0)
        }
    };
    answers.iter().map(one).collect::<Vec<_>>().join("; ")
}
