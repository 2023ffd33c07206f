//! Makes the rows of errors out of the groups of the log store: what a process did again after a restart is one row.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use crate::app::view::{ErrorOrigin, ErrorRow};
use crate::logs::{ErrorGroup, LogStore};

/// Errors in lines, the newest last.
pub(crate) fn of_lines(store: &LogStore) -> Vec<ErrorRow> {
    let mut rows: Vec<ErrorRow> = Vec::new();
    let mut known: HashMap<u64, usize> = HashMap::new();
    for group in store.errors() {
        let row = row(group);
        match known.get(&row.id) {
            Some(at) => join(&mut rows[*at], row),
            None => {
                known.insert(row.id, rows.len());
                rows.push(row);
            }
        }
    }
    in_order(rows)
}

/// The same rows, the newest last.
pub(crate) fn in_order(mut rows: Vec<ErrorRow>) -> Vec<ErrorRow> {
    rows.sort_by_key(|row| row.last_ms);
    rows
}

/// A number for what makes errors equal.
pub(crate) fn id_of(what: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    what.hash(&mut hasher);
    hasher.finish()
}

fn row(group: ErrorGroup) -> ErrorRow {
    ErrorRow {
        id: id_of((&*group.name, group.fingerprint)),
        kind: group.kind().map(Arc::from),
        origin: ErrorOrigin::Lines { process: group.process, first: group.last_seq, last: group.last_line_seq },
        name: group.name,
        level: group.level,
        message: group.message,
        stack: group.stack,
        count: group.count,
        first_ms: group.first_ms,
        last_ms: group.last_ms,
    }
}

/// The groups come in order of time: the later one says where the newest stands.
fn join(earlier: &mut ErrorRow, later: ErrorRow) {
    let (count, first_ms) = (earlier.count + later.count, earlier.first_ms.min(later.first_ms));
    *earlier = ErrorRow { count, first_ms, ..later };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::ProcessId;
    use crate::logs::LogLimits;

    #[test]
    fn what_a_process_did_again_after_a_restart_is_one_row_and_another_process_has_its_own() {
        let store = LogStore::new(LogLimits::default());
        for (id, name) in [(1, "web"), (2, "web"), (3, "api")] {
            for at in 0..2 {
                let text = format!("TypeError: Cannot read {at} of undefined");
                store.add(ProcessId(id), name, text.as_bytes(), false).unwrap();
            }
        }
        let rows = of_lines(&store);
        let told: Vec<(&str, u64)> = rows.iter().map(|row| (&*row.name, row.count)).collect();
        assert_eq!(told, [("web", 4), ("api", 2)]);
        assert_eq!(rows[0].kind.as_deref(), Some("TypeError"));
        let ErrorOrigin::Lines { process, .. } = rows[0].origin else { panic!("{:?}", rows[0]) };
        assert_eq!(process, ProcessId(2), "the newest one is where the row leads to");
    }
}
