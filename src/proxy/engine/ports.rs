//! Remembers which server had which port, so that an address stays the same from one start to the next.

use std::fs;
use std::path::PathBuf;

/// Servers that are remembered; the one that was registered longest ago is forgotten first.
const SERVERS_MAX: usize = 500;

/// Ports by server, in a file of lines `20888 http://127.0.0.1:5173`.
#[derive(Debug, Default)]
pub(crate) struct PortBook {
    path: Option<PathBuf>,
    /// The one registered last stands last.
    ports: Vec<(String, u16)>,
}

impl PortBook {
    /// What the file says; one that is not there or cannot be read says nothing.
    pub(crate) fn open(path: Option<PathBuf>) -> PortBook {
        let text = path.as_ref().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
        let entry = |line: &str| {
            let (port, url) = line.split_once(' ')?;
            Some((url.to_owned(), port.parse().ok()?))
        };
        let mut ports: Vec<(String, u16)> = text.lines().filter_map(entry).collect();
        ports.drain(..ports.len().saturating_sub(SERVERS_MAX));
        PortBook { path, ports }
    }

    /// The port that this server had.
    pub(crate) fn port(&self, url: &str) -> Option<u16> {
        self.ports.iter().find(|(known, _)| known == url).map(|(_, port)| *port)
    }

    /// The ports of the others.
    pub(crate) fn others(&self, url: &str) -> Vec<u16> {
        self.ports.iter().filter(|(other, _)| *other != url).map(|(_, port)| *port).collect()
    }

    /// This server has this port now. A file that cannot be written costs only the memory of it.
    pub(crate) fn keep(&mut self, url: &str, port: u16) {
        if self.ports.last().is_some_and(|(known, own)| known == url && *own == port) {
            return;
        }
        self.ports.retain(|(known, own)| known != url && *own != port);
        self.ports.push((url.to_owned(), port));
        self.ports.drain(..self.ports.len().saturating_sub(SERVERS_MAX));
        let Some(path) = &self.path else { return };
        let text: String = self.ports.iter().map(|(url, port)| format!("{port} {url}\n")).collect();
        let fresh = path.with_extension("new");
        let _ = path.parent().map(fs::create_dir_all);
        let _ = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, path));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_survive_and_what_makes_no_sense_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/ports");
        let mut book = PortBook::open(Some(path.clone()));
        book.keep("http://localhost:3000", 20888);
        book.keep("http://localhost:3001", 20889);
        fs::write(&path, fs::read_to_string(&path).unwrap() + "nonsense\nx http://a\n").unwrap();
        let book = PortBook::open(Some(path));
        assert_eq!(book.port("http://localhost:3001"), Some(20889));
        assert_eq!(book.others("http://localhost:3001"), [20888]);
        assert_eq!(book.port("http://a"), None);
    }

    #[test]
    fn those_of_long_ago_are_forgotten() {
        let mut book = PortBook::default();
        let url = |number| format!("http://localhost:{number}");
        for number in 0..SERVERS_MAX + 10 {
            book.keep(&url(number), 20_000 + number as u16);
            book.keep(&url(0), 20_000);
        }
        assert_eq!((book.port(&url(0)), book.port(&url(1)), book.ports.len()), (Some(20_000), None, SERVERS_MAX));
        book.keep("http://new", 20_000);
        assert_eq!(book.port(&url(0)), None, "a port is of one server");
    }
}
