//! Requests to a HAR file and back: what is kept is written with its secrets masked, what is opened is listed as imported.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::service::{NOBODY, Web};
use crate::app::changes::Thing;
use crate::app::view::Reply;
use crate::error::{Code, Error, Result};
use crate::event::Level;
use crate::proxy::Exchange;
use crate::proxy::capture::har::{self, FILE_BYTES_MAX};
use crate::proxy::capture::{Query, Secrets};
use crate::runtime::Priority;
use crate::runtime::pool::Pool;

impl Web {
    /// Writes all requests that are kept, oldest first; what came of it is told in a message.
    ///
    /// # Errors
    /// The pool takes no work.
    pub(crate) fn save_har(self: &Arc<Web>, path: PathBuf, pool: &Pool) -> Result<Reply> {
        let (web, doing) = (self.clone(), format!("writing {}", path.display()));
        let work = move || match web.write_har(&path) {
            Ok(count) => web.say(Level::Info, format!("{count} requests are in {}, secrets masked", path.display())),
            Err(error) => web.say(Level::Error, format!("{error}")),
        };
        pool.spawn(Priority::Low, work)?;
        Ok(Reply::Done(doing))
    }

    fn write_har(&self, path: &Path) -> Result<usize> {
        let mut kept = self.capture.requests(&Query::default());
        kept.reverse();
        let text = har::export(kept.iter().map(|exchange| &**exchange), Secrets::Masked);
        let failed = |error| Error::io("har", format!("write {}", path.display()), error);
        // What the file held before stays until all of it is written.
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let part = dir.join(format!("{}.part", path.file_name().unwrap_or_default().to_string_lossy()));
        let written = std::fs::File::create(&part)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .and_then(|()| std::fs::rename(&part, path));
        written.map(|()| kept.len()).map_err(|error| {
            // That it stays is the lesser trouble.
            let _ = std::fs::remove_file(&part);
            failed(error)
        })
    }

    /// Lists the requests of a file among those that are kept, as imported; what came of it is told in a message.
    ///
    /// # Errors
    /// The pool takes no work.
    pub(crate) fn open_har(self: &Arc<Web>, path: PathBuf, pool: &Pool) -> Result<Reply> {
        let (web, doing) = (self.clone(), format!("reading {}", path.display()));
        let work = move || match web.read_har(&path) {
            Ok((count, skipped)) => {
                let left_out = match skipped.first() {
                    None => String::new(),
                    Some(first) => format!("; {} were left out: {first}", skipped.len()),
                };
                let level = if skipped.is_empty() { Level::Info } else { Level::Warn };
                web.say(level, format!("{count} requests of {} are listed as imported{left_out}", path.display()));
            }
            Err(error) => web.say(Level::Error, format!("{error}")),
        };
        pool.spawn(Priority::Low, work)?;
        Ok(Reply::Done(doing))
    }

    fn read_har(&self, path: &Path) -> Result<(usize, Vec<String>)> {
        let failed = |error| Error::io("har", format!("read {}", path.display()), error);
        let data = std::fs::metadata(path).map_err(failed)?;
        if !data.is_file() || data.len() > FILE_BYTES_MAX as u64 {
            let most = FILE_BYTES_MAX >> 20;
            let text = format!("{} is no file of at most {most} MiB", path.display());
            return Err(Error::new("har", Code::InvalidState, text));
        }
        let imported = har::import(&std::fs::read(path).map_err(failed)?)?;
        // The numbers are the proxy's, which gives the next request the next one.
        let proxy = self.begin()?;
        let count = imported.exchanges.len();
        self.capture.add(imported.exchanges.into_iter().map(mark), || proxy.next_number());
        self.changes.bump(Thing::Exchanges);
        Ok((count, imported.skipped))
    }

    /// Forgets all requests and all that pages told.
    pub(crate) fn clear(&self) -> Reply {
        self.capture.clear();
        self.telemetry.store().clear();
        self.changes.bump(Thing::Exchanges);
        self.changes.bump(Thing::Pages);
        Reply::Done("requests and telemetry are cleared".into())
    }
}

/// It belongs to no process of this run, and nothing more comes of it.
fn mark(mut exchange: Exchange) -> Exchange {
    let name = match &exchange.opened.process {
        Some((_, name)) => format!("imported {name}"),
        None => "imported".to_owned(),
    };
    exchange.opened.process = Some((NOBODY, name.into()));
    exchange.done = true;
    exchange
}
