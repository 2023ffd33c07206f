//! A question whose answer is looked for now and then, by somebody who waits for many things at once.

use std::sync::Arc;

use super::ask::{Ask, Evaluation, Picture, Snapshot, failure};
use super::channels::Pages;
use crate::error::Result;

/// What a page has answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// What code came to, or threw.
    Evaluated(Evaluation),
    /// It goes to this address.
    Going(String),
    /// It loads itself again.
    Reloading,
    /// The document.
    Document(Snapshot),
    /// A picture.
    Picture(Picture),
}

/// A question on its way.
///
/// Thread safety: `Send`. Progress: blocking on a short lock. Waits: none. Cleanup: dropping it gives the question up; a page
/// that was asked may do what it was asked for all the same.
#[derive(Debug)]
pub struct Asked {
    pages: Arc<Pages>,
    question: Ask,
    number: u64,
}

impl Pages {
    /// Asks the page of a session without waiting; [`Pages::on_change`] says when to look.
    ///
    /// # Errors
    /// NOT_FOUND if the session has no open page; INVALID_STATE for what no page is asked for.
    pub fn begin(self: &Arc<Pages>, session: &str, question: Ask) -> Result<Asked> {
        let number = self.send(session, &question)?;
        Ok(Asked { pages: Arc::clone(self), question, number })
    }
}

impl Asked {
    /// The answer, if it is there; once.
    ///
    /// # Errors
    /// As the waiting calls of [`Pages`], but for the time.
    pub fn look(&self) -> Option<Result<Answer>> {
        let answer = match self.pages.take_answer(self.number)? {
            Ok(answer) => answer,
            Err(error) => return Some(Err(error)),
        };
        if let Ask::Evaluate { .. } = self.question {
            return Some(Ok(Answer::Evaluated(Evaluation::read(answer))));
        }
        if let Some(error) = failure(&answer) {
            return Some(Err(error));
        }
        Some(match self.question {
            Ask::Evaluate { .. } => Ok(Answer::Evaluated(Evaluation::read(answer))),
            Ask::Navigate { .. } => Ok(Answer::Going(Snapshot::read(&answer).url)),
            Ask::Reload => Ok(Answer::Reloading),
            Ask::Snapshot { .. } => Ok(Answer::Document(Snapshot::read(&answer))),
            Ask::Screenshot(_) => Picture::read(&answer).map(Answer::Picture),
        })
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.pages.give_up(self.number);
    }
}
