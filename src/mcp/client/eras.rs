//! Which era each server spoke: whoever comes back to it need not find that out again.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

use crate::mcp::protocol::Era;

/// More servers are not remembered.
const SERVERS_MAX: usize = 512;

/// The eras of servers by `host:port`; clones remember together.
#[derive(Clone, Debug, Default)]
pub struct Eras {
    known: Arc<Mutex<HashMap<String, Era>>>,
}

impl Eras {
    pub(super) fn of(&self, authority: &str) -> Option<Era> {
        self.known.lock().get(authority).copied()
    }

    pub(crate) fn learn(&self, authority: &str, era: Era) {
        let mut known = self.known.lock();
        if known.len() >= SERVERS_MAX {
            known.clear();
        }
        known.insert(authority.to_owned(), era);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_is_known_to_all_and_bounded() {
        let eras = Eras::default();
        eras.clone().learn("a:1", Era::Legacy);
        assert_eq!((eras.of("a:1"), eras.of("a:2")), (Some(Era::Legacy), None));
        (0..2 * SERVERS_MAX).for_each(|port| eras.learn(&format!("b:{port}"), Era::Modern));
        assert!(eras.known.lock().len() <= SERVERS_MAX);
    }
}
