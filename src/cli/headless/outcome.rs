//! The exit code: that of the first process that failed, or that of the signal that ended Brummer.

use crate::app::view::ProcessRow;
use crate::event::{Exit, Status};

/// What a process that could not be started counts as.
const NOT_STARTED: u8 = 1;

/// 0 when nothing failed, else the code of the process that failed first; a signal counts as 128 and its number.
pub(super) fn of_processes(rows: &[&ProcessRow]) -> u8 {
    let failed = rows.iter().filter(|row| row.status == Status::Failed);
    let first = failed.min_by_key(|row| row.ended_ms.unwrap_or(u64::MAX));
    first.map_or(0, |row| match row.exit {
        // A code that does not fit, or says success where there was none, is still a failure.
        Some(Exit::Code(code)) => u8::try_from(code).ok().filter(|code| *code != 0).unwrap_or(NOT_STARTED),
        Some(Exit::Signal(number)) => of_signal(number),
        Some(Exit::NotSpawned) | None => NOT_STARTED,
    })
}

/// 128 and the number of the signal, as a shell says it.
pub(in crate::cli) fn of_signal(number: i32) -> u8 {
    u8::try_from(number).map_or(u8::MAX, |number| number.saturating_add(128))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::headless::roster::tests::row;

    #[test]
    fn the_first_failure_decides() {
        let ended =
            |id, status, exit, ended_ms| ProcessRow { status, exit: Some(exit), ended_ms: Some(ended_ms), ..row(id) };
        let fine = ended(1, Status::Success, Exit::Code(0), 10);
        let late = ended(2, Status::Failed, Exit::Code(3), 30);
        let early = ended(3, Status::Failed, Exit::Signal(9), 20);
        assert_eq!(of_processes(&[&fine]), 0);
        assert_eq!(of_processes(&[&fine, &late]), 3);
        assert_eq!(of_processes(&[&fine, &late, &early]), 137);
        assert_eq!(of_processes(&[&ended(4, Status::Failed, Exit::Code(256), 1)]), 1);
        assert_eq!(of_processes(&[&ended(4, Status::Stopped, Exit::Signal(15), 1)]), 0);
        assert_eq!(of_signal(2), 130);
    }
}
