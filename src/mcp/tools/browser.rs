//! Pages in browsers: open one, go elsewhere, load again, look at it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;

use super::answer::{Answer, Done, Refusal};
use super::driver::{Driven, LOAD_WITHIN, State};
use super::schema::Arguments;
use super::table::{Question, Work};
use super::telemetry;
use super::text::{clean, size};
use super::toolbox::Toolbox;
use super::waits::{Look, Wait};
use crate::io::opener::{Opener, is_web};
use crate::mcp::protocol::Block;
use crate::proxy::browser::{PictureFormat, Shot};
use crate::proxy::capture::redact;
use crate::proxy::page;
use crate::proxy::page::{Ask, Asked, View};

/// Words for `browser` and `format`.
pub(crate) const BROWSERS: &[&str] = &["default", "headless", "window"];
pub(crate) const FORMATS: &[&str] = &["png", "jpeg", "webp"];

/// A page that was opened by the desktop tells of itself within this time.
const TELLS_WITHIN: Duration = Duration::from_secs(10);

/// A page answers within this time.
const ANSWERS_WITHIN: Duration = Duration::from_secs(15);

/// What a job of the driven browser may take in all: a start, a load, a picture.
const DRIVEN_WITHIN: Duration = Duration::from_secs(100);

/// Bytes of a picture that are handed on.
const PICTURE_BYTES_MAX: usize = 4 << 20;

/// Which page is meant.
pub(crate) enum Place {
    /// One of the driven browser.
    Driven(Box<Driven>),
    /// One that a person opened, by its session.
    Page(Arc<str>),
}

/// The page of `sessionId`; without one the driven one, or the newest that is open.
///
/// # Errors
/// What there is, and how a page is opened.
pub(crate) fn place(toolbox: &Toolbox, arguments: &Arguments) -> Result<Place, Refusal> {
    let driven = toolbox.driver.pages();
    let open = toolbox.app.pages().open();
    if let Some(id) = arguments.text("sessionId") {
        if let Some(page) = toolbox.driver.page(id) {
            return Ok(Place::Driven(Box::new(page)));
        }
        if let Some(page) = open.iter().find(|page| page.session.ends_with(id)) {
            return Ok(Place::Page(page.session.clone()));
        }
        let known: Vec<&str> =
            driven.iter().map(|page| page.label.as_str()).chain(open.iter().map(|page| &*page.session)).collect();
        return Err(Refusal(match known.is_empty() {
            true => format!("No page `{id}` is open, nor any other; browser_open opens one."),
            false => format!("No page `{id}` is open. There are: {}.", known.join(", ")),
        }));
    }
    if let Some(page) = driven.into_iter().next_back() {
        return Ok(Place::Driven(Box::new(page)));
    }
    let newest = open.into_iter().next().map(|page| Place::Page(page.session));
    newest.ok_or_else(|| "No page is open. browser_open opens one; browser \"headless\" needs no screen.".into())
}

/// Asks once for each page that the person has opened: it may hold what they have typed, and their logins.
pub(crate) fn confirm_drive(toolbox: &Toolbox, arguments: &Arguments) -> Option<Question> {
    let Ok(Place::Page(session)) = place(toolbox, arguments) else { return None };
    if toolbox.is_drivable(&session) {
        return None;
    }
    let url = toolbox.app.pages().open().into_iter().find(|page| page.session == session).map(|page| page.url);
    let url = clean(&redact::url(&url.unwrap_or_default()), 200);
    let text = format!("Drive the page {url} in your browser: run code in it, load it again, send it elsewhere?");
    Some(Question { text, page: Some(session) })
}

/// The address to open: that of the proxy if it has one, so that the page is heard.
fn address(toolbox: &Toolbox, url: &str) -> Result<String, Refusal> {
    if !is_web(url) {
        return Err(Refusal(format!("`url` is {url:?}; expected: an http or https URL.")));
    }
    Ok(toolbox.app.proxied(url).unwrap_or_else(|| url.to_owned()))
}

fn driven_answer(page: &Driven, words: &str) -> Answer {
    let session = page.session.clone().unwrap_or_else(|| page.label.clone());
    let heard = match page.session {
        Some(_) => "",
        None => " It is not heard: it did not come through the proxy.",
    };
    let value = json!({ "url": page.url, "sessionId": session, "sent": true });
    Answer::new(format!("{words} {} as {session}.{heard}", page.url), value)
}

pub(crate) fn open(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    let url = match address(toolbox, arguments.needed("url")) {
        Ok(url) => url,
        Err(refusal) => return Work::Done(Err(refusal)),
    };
    let kind = arguments.text("browser").unwrap_or("default");
    if kind != "default" {
        let headless = kind == "headless";
        return Work::of(
            toolbox.driver.ask(DRIVEN_WITHIN, move |state| Ok(driven_answer(&state.open(&url, headless)?, "Opened"))),
        );
    }
    let before = toolbox.app.pages().open().into_iter().map(|page| page.session).collect();
    let opened = url.clone();
    let opening = toolbox.driver.ask(TELLS_WITHIN, move |_| {
        let openers = Opener::candidates(|name| std::env::var(name).ok());
        if openers.is_empty() {
            return Err("There is no desktop to open a page on; browser \"headless\" works without.".into());
        }
        let mut why = String::new();
        for opener in &openers {
            match opener.open(&opened) {
                Ok(()) => return Ok(Answer::default()),
                Err(error) => why += &format!(" {}: {error}.", opener.name()),
            }
        }
        Err(Refusal(format!("No browser could be opened:{why} browser \"headless\" works without a desktop.")))
    });
    Work::of(opening.map(|opening| {
        let until = Instant::now() + TELLS_WITHIN;
        Box::new(Opening { toolbox: Arc::clone(toolbox), url, before, opening: Some(opening), until }) as Box<dyn Wait>
    }))
}

/// Waits until a page that the person's browser opened tells of itself.
struct Opening {
    toolbox: Arc<Toolbox>,
    url: String,
    before: Vec<Arc<str>>,
    opening: Option<Box<dyn Wait>>,
    until: Instant,
}

impl Wait for Opening {
    fn look(&mut self, now: Instant) -> Look {
        if let Some(opening) = &mut self.opening {
            match opening.look(now) {
                Look::Done(Ok(_)) => self.opening = None,
                other => return other,
            }
        }
        let pages = self.toolbox.app.pages().open();
        let heard = self.toolbox.app.proxied(&self.url).is_some()
            || pages.iter().any(|page| self.url.starts_with(&*page.origin.origin));
        let fresh = pages.into_iter().find(|page| !self.before.contains(&page.session));
        if let Some(page) = fresh {
            self.toolbox.may_drive(page.session.clone());
            let value = json!({ "url": self.url, "sessionId": &*page.session, "sent": true });
            return Look::Done(Ok(Answer::new(format!("Opened {} as {}.", self.url, page.session), value)));
        }
        if heard && now < self.until {
            return Look::Not;
        }
        let text = format!("Opened {}; the page has not told of itself.", self.url);
        Look::Done(Ok(Answer::new(text, json!({ "url": self.url, "sent": true }))))
    }

    fn next(&self) -> Instant {
        self.until
    }
}

/// Waits for the answer of a page that a person opened.
pub(crate) struct Answering<F> {
    asked: Asked,
    until: Instant,
    then: Option<F>,
}

impl<F: FnOnce(page::Answer) -> Done + Send> Wait for Answering<F> {
    fn look(&mut self, now: Instant) -> Look {
        match self.asked.look() {
            Some(Ok(answer)) => match self.then.take() {
                Some(then) => Look::Done(then(answer)),
                None => Look::Not,
            },
            Some(Err(error)) => Look::Done(Err(error.into())),
            None if now >= self.until => Look::Done(Err(
                "The page did not answer in time; perhaps it is busy, paused or in the background.".into(),
            )),
            None => Look::Not,
        }
    }

    fn next(&self) -> Instant {
        self.until
    }
}

/// Asks a page and makes an answer of what it says.
pub(crate) fn ask(
    toolbox: &Toolbox,
    session: &str,
    question: Ask,
    limit: Duration,
    then: impl FnOnce(page::Answer) -> Done + Send + 'static,
) -> Work {
    let asked = toolbox.app.pages().begin(session, question).map_err(Refusal::from);
    Work::of(
        asked.map(|asked| {
            Box::new(Answering { asked, until: Instant::now() + limit, then: Some(then) }) as Box<dyn Wait>
        }),
    )
}

pub(crate) fn navigate(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    let given = arguments.needed("url");
    let url = if is_web(given) { address(toolbox, given) } else { Ok(given.to_owned()) };
    let (url, place) = match url.and_then(|url| Ok((url, place(toolbox, arguments)?))) {
        Ok(found) => found,
        Err(refusal) => return Work::Done(Err(refusal)),
    };
    match place {
        Place::Driven(page) if is_web(&url) => drive(toolbox, *page, move |state, page| {
            page.tab.navigate(&url, LOAD_WITHIN)?;
            page.session = state.went(&page.label, Some(&url));
            page.url = url;
            Ok(driven_answer(page, "Went to"))
        }),
        Place::Driven(_) => Work::Done(Err(Refusal(format!("`url` is {url:?}; expected: an http or https URL.")))),
        Place::Page(session) => {
            let own = session.clone();
            ask(toolbox, &session, Ask::Navigate { url }, ANSWERS_WITHIN, move |answer| {
                let page::Answer::Going(url) = answer else { return Err("The page gave another answer.".into()) };
                let value = json!({ "url": url, "sessionId": &*own, "sent": true });
                Ok(Answer::new(format!("{own} goes to {url}."), value))
            })
        }
    }
}

fn drive(
    toolbox: &Toolbox,
    mut page: Driven,
    work: impl FnOnce(&mut State, &mut Driven) -> Done + Send + 'static,
) -> Work {
    Work::of(toolbox.driver.ask(DRIVEN_WITHIN, move |state| work(state, &mut page)))
}

pub(crate) fn refresh(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    match place(toolbox, arguments) {
        Err(refusal) => Work::Done(Err(refusal)),
        Ok(Place::Driven(page)) => drive(toolbox, *page, |state, page| {
            page.tab.reload(LOAD_WITHIN)?;
            page.session = state.went(&page.label, None);
            Ok(driven_answer(page, "Loaded again:"))
        }),
        Ok(Place::Page(session)) => {
            let own = session.clone();
            ask(toolbox, &session, Ask::Reload, ANSWERS_WITHIN, move |_| {
                Ok(Answer::new(format!("{own} loads again."), json!({ "sessionId": &*own, "sent": true })))
            })
        }
    }
}

pub(crate) fn screenshot(toolbox: &Arc<Toolbox>, arguments: &Arguments) -> Work {
    let shot = Shot {
        whole_page: arguments.flag("fullPage"),
        selector: arguments.text("selector").map(str::to_owned),
        format: match arguments.text("format") {
            Some("jpeg") => PictureFormat::Jpeg,
            Some("webp") => PictureFormat::Webp,
            _ => PictureFormat::Png,
        },
        quality: u8::try_from(arguments.whole("quality", 90)).ok(),
    };
    if let Some(url) = arguments.text("url") {
        let url = match address(toolbox, url) {
            Ok(url) => url,
            Err(refusal) => return Work::Done(Err(refusal)),
        };
        // The page that is there already is not loaded anew.
        let there = toolbox.driver.pages().into_iter().find(|page| page.url == url);
        return Work::of(toolbox.driver.ask(DRIVEN_WITHIN, move |state| {
            let page = there.map_or_else(|| state.open(&url, true), Ok)?;
            take(&page, &shot)
        }));
    }
    match place(toolbox, arguments) {
        Err(refusal) => Work::Done(Err(refusal)),
        Ok(Place::Driven(page)) => drive(toolbox, *page, move |_, page| take(page, &shot)),
        Ok(Place::Page(session)) => {
            let own = session.clone();
            let url =
                telemetry::known(toolbox, &session).map(|session| clean(&session.meta.url, 300)).unwrap_or_default();
            let view = View {
                selector: shot.selector,
                whole_page: shot.whole_page,
                format: shot.format.name(),
                quality: shot.quality.unwrap_or(90),
            };
            ask(toolbox, &session, Ask::Screenshot(view), ANSWERS_WITHIN, move |answer| {
                let page::Answer::Picture(picture) = answer else { return Err("The page sent no picture.".into()) };
                let note = "Drawn by the page itself: fonts, frames and pictures from elsewhere may be missing. \
                            With `url` a headless browser takes a true one.";
                picture_answer(&picture.bytes, picture.mime, &own, &url, note)
            })
        }
    }
}

fn take(page: &Driven, shot: &Shot) -> Done {
    let bytes = page.tab.picture(shot, LOAD_WITHIN)?;
    let session = page.session.as_deref().unwrap_or(&page.label);
    picture_answer(&bytes, &format!("image/{}", shot.format.name()), session, &page.url, "")
}

fn picture_answer(bytes: &[u8], mime: &str, session: &str, url: &str, note: &str) -> Done {
    if bytes.len() > PICTURE_BYTES_MAX {
        let taken = size(bytes.len() as u64);
        return Err(Refusal(format!(
            "The picture has {taken}, which is too much; format \"jpeg\" or a `selector` makes it smaller."
        )));
    }
    let text = format!("{session}: {url}, {} of {mime}. {note}", size(bytes.len() as u64));
    let value = json!({
        "sessionId": session, "url": url, "mimeType": mime, "bytes": bytes.len(), "approximate": !note.is_empty(),
    });
    Ok(Answer { text: text.trim_end().to_owned(), value, more: vec![Block::image(bytes, mime)] })
}
