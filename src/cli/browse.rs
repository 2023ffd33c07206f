//! `brummer browser`: starts a browser with a profile of its own, opens a page in it, and leaves nothing of it.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::entry::complain;
use crate::error::{Error, Result};
use crate::io::guardian;
use crate::proxy::browser::{Browser, BrowserOptions};

/// A page of a development server that is just starting may take this long.
const OPEN_WITHIN: Duration = Duration::from_secs(30);

/// How often is asked whether its window was closed.
const LOOK_EVERY: Duration = Duration::from_secs(3600);

/// What is to be opened, and how.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) url: String,
    /// Without a window.
    pub(super) headless: bool,
    /// Write a picture of the page here and leave.
    pub(super) screenshot: Option<PathBuf>,
}

/// Opens the page in a guarded process: whatever ends this program ends the browser.
pub(super) fn browse(page: Page) -> u8 {
    let app = |_guard| i32::from(open(&page).map_or_else(|error| complain(&error), |()| 0));
    u8::try_from(guardian::run(app, || ())).unwrap_or(u8::MAX)
}

fn open(page: &Page) -> Result<()> {
    let headless = page.headless || page.screenshot.is_some();
    let browser = Browser::start(&BrowserOptions { headless, ..BrowserOptions::default() })?;
    let tab = browser.open(&page.url, OPEN_WITHIN)?;
    if let Some(file) = &page.screenshot {
        let picture = tab.screenshot(false, OPEN_WITHIN)?;
        return fs::write(file, picture)
            .map_err(|error| Error::io("browser", format!("write {}", file.display()), error));
    }
    while !browser.wait(LOOK_EVERY) {}
    Ok(())
}
