//! JavaScript in a page: runs code and tells its value, what it wrote to the console, and what it threw.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer::{Answer, Done, Refusal, TEXT_BYTES_MAX};
use super::browser::{Place, ask, place};
use super::library;
use super::schema::Arguments;
use super::table::Work;
use super::text::{clean, cut};
use super::toolbox::Toolbox;
use super::waits::{Look, Wait};
use crate::proxy::page::{Answer as PageAnswer, Ask, Evaluation};

/// What may pass beyond the code's own time.
const SLACK: Duration = Duration::from_secs(5);

/// Lines of the console.
const CONSOLE_MAX: usize = 50;

pub(crate) fn execute(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    let limit = arguments.seconds("timeout", 10);
    let given = arguments.needed("code");
    let place = match place(toolbox, arguments) {
        Ok(place) => place,
        Err(refusal) => return Work::Done(Err(refusal)),
    };
    // The library goes in with the code that names it.
    let prelude = ["brummerLibrary", "lib."].iter().any(|word| given.contains(word)).then(|| library::prelude(toolbox));
    let prelude = match prelude.transpose() {
        Ok(prelude) => prelude,
        Err(refusal) => return Work::Done(Err(refusal)),
    };
    let given = given.to_owned();
    match place {
        Place::Driven(page) => Work::of(toolbox.driver.ask(limit * 2 + SLACK, move |_| {
            if let Some(prelude) = prelude {
                page.tab.evaluate(&prelude, limit)?;
            }
            let session = page.session.clone().unwrap_or_else(|| page.label.clone());
            evaluated(page.tab.evaluate(&given, limit)?, &session)
        })),
        Place::Page(session) => {
            let (own, page) = (session.clone(), session.clone());
            let code = Ask::Evaluate { code: given };
            let run = move |toolbox: &Toolbox| {
                ask(toolbox, &session, code, limit, move |answer| match answer {
                    PageAnswer::Evaluated(evaluation) => evaluated(evaluation, &own),
                    _ => Err("The page gave another answer.".into()),
                })
            };
            match prelude {
                None => run(toolbox),
                Some(prelude) => inject(toolbox, &page, prelude, limit, run),
            }
        }
    }
}

/// Puts code into a page, and goes on when it is there.
pub(crate) fn inject(
    toolbox: &Arc<Toolbox>,
    session: &str,
    code: String,
    limit: Duration,
    then: impl FnOnce(&Toolbox) -> Work + Send + 'static,
) -> Work {
    let first = ask(toolbox, session, Ask::Evaluate { code }, limit, |answer| match answer {
        PageAnswer::Evaluated(Evaluation { error: Some((message, _)), .. }) => {
            Err(Refusal(format!("The library could not be put into the page: {}", clean(&message, 1000))))
        }
        _ => Ok(Answer::default()),
    });
    match first {
        Work::Done(done) => Work::Done(done),
        Work::Wait(first) => {
            Work::Wait(Box::new(Two { toolbox: Arc::clone(toolbox), now: first, then: Some(Box::new(then)) }))
        }
    }
}

type Then = Box<dyn FnOnce(&Toolbox) -> Work + Send>;

/// Two waits, one after the other.
struct Two {
    toolbox: Arc<Toolbox>,
    now: Box<dyn Wait>,
    then: Option<Then>,
}

impl Wait for Two {
    fn look(&mut self, now: Instant) -> Look {
        let look = self.now.look(now);
        match (look, self.then.take()) {
            (Look::Done(Ok(_)), Some(then)) => match then(&self.toolbox) {
                Work::Done(done) => Look::Done(done),
                Work::Wait(second) => {
                    self.now = second;
                    self.now.look(now)
                }
            },
            (look, then) => {
                self.then = then;
                look
            }
        }
    }

    fn next(&self) -> Instant {
        self.now.next()
    }
}

/// What code came to.
pub(crate) fn evaluated(evaluation: Evaluation, session: &str) -> Done {
    let console: Vec<Value> = evaluation
        .console
        .iter()
        .take(CONSOLE_MAX)
        .map(|(level, message)| json!({ "level": level, "message": clean(message, 1000) }))
        .collect();
    let mut lines: Vec<String> = evaluation
        .console
        .iter()
        .take(CONSOLE_MAX)
        .map(|(level, message)| format!("console.{level}: {}", clean(message, 1000)))
        .collect();
    if let Some((message, stack)) = evaluation.error {
        lines.insert(0, format!("It threw: {}", clean(&message, 2000)));
        if !stack.is_empty() {
            lines.insert(1, clean(&stack, 2000));
        }
        return Err(Refusal(lines.join("\n")));
    }
    let text = cut(evaluation.text, TEXT_BYTES_MAX / 2);
    lines.insert(0, text.clone());
    let bytes = evaluation.value.to_string().len();
    let value = if bytes <= TEXT_BYTES_MAX { evaluation.value } else { Value::from(text) };
    let value = json!({ "result": value, "type": evaluation.kind, "console": console, "sessionId": session });
    Ok(Answer::new(lines.join("\n"), value))
}
