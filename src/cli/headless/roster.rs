//! The processes that were announced so far: who is new, whose end is still to be told, whose URL.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::app::view::ProcessRow;
use crate::cli::output::Owner;
use crate::event::ProcessId;

/// What was said of each process.
#[derive(Debug, Default)]
pub(super) struct Roster {
    known: BTreeMap<ProcessId, Known>,
}

#[derive(Debug)]
struct Known {
    name: Arc<str>,
    place: usize,
    started_ms: u64,
    end_told: bool,
    url_told: bool,
}

impl Roster {
    /// Whether this process is new; from now on it is known.
    pub(super) fn meet(&mut self, row: &ProcessRow) -> bool {
        let place = self.known.len();
        let mut new = false;
        self.known.entry(row.id).or_insert_with(|| {
            new = true;
            let (name, started_ms) = (Arc::clone(&row.name), row.started_ms);
            Known { name, place, started_ms, end_told: false, url_told: false }
        });
        new
    }

    /// Whether the end of this process is to be told now; then it is not again.
    pub(super) fn ends(&mut self, row: &ProcessRow) -> bool {
        let known = self.known.get_mut(&row.id).filter(|known| row.status.is_ended() && !known.end_told);
        known.map(|known| known.end_told = true).is_some()
    }

    /// The URL of this process, if it is to be told now; then it is not again.
    pub(super) fn url<'r>(&mut self, row: &'r ProcessRow) -> Option<&'r str> {
        let url = row.url.as_deref()?;
        let known = self.known.get_mut(&row.id).filter(|known| !known.url_told)?;
        known.url_told = true;
        Some(url)
    }

    /// Who stands before the lines of this process.
    pub(super) fn owner(&self, id: ProcessId) -> Option<Owner<'_>> {
        let known = self.known.get(&id)?;
        Some(Owner { name: &known.name, id: id.0, place: known.place, started_ms: known.started_ms })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::event::{Exit, Status};

    pub(in crate::cli::headless) fn row(id: u64) -> ProcessRow {
        ProcessRow {
            id: ProcessId(id),
            name: "web".into(),
            status: Status::Running,
            stopping: false,
            exit: None,
            pid: Some(100),
            started_ms: 5,
            ended_ms: None,
            command: "node .".into(),
            cwd: "/p".into(),
            terminal: false,
            full_screen: false,
            restarts: 0,
            lines: 0,
            errors: 0,
            url: None,
            usage: None,
            children: Arc::default(),
        }
    }

    #[test]
    fn start_end_and_url_are_told_once_each() {
        let mut roster = Roster::default();
        assert!(roster.meet(&row(1)) && !roster.meet(&row(1)));
        assert!(!roster.ends(&row(1)));
        let ended = ProcessRow { status: Status::Success, exit: Some(Exit::Code(0)), ..row(1) };
        assert!(roster.ends(&ended) && !roster.ends(&ended));
        let url = ProcessRow { url: Some("http://localhost:1/".into()), ..row(1) };
        assert_eq!(roster.url(&url), Some("http://localhost:1/"));
        assert_eq!(roster.url(&url), None);
    }

    #[test]
    fn every_process_has_a_colour_of_its_own() {
        let mut roster = Roster::default();
        roster.meet(&row(4));
        roster.meet(&row(9));
        assert_eq!(roster.owner(ProcessId(4)).unwrap().place, 0);
        assert_eq!(roster.owner(ProcessId(9)).unwrap().place, 1);
        assert!(roster.owner(ProcessId(5)).is_none());
    }
}
