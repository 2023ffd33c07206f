//! What a worker finds out about an error: which of its frames are the project's, the source around the first, and the
//! requests that failed with it.

use std::fs::File;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use crate::app::view::{Backend, ErrorOrigin, ErrorRow};
use crate::io::editor::Spot;
use crate::logs::{Frame, frames, library};
use crate::proxy::{Exchange, ExchangeId};
use crate::tui::web::place;

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) row: ErrorRow,
    /// Where its process runs.
    pub(crate) cwd: Option<PathBuf>,
}

/// What is known of an error's stack.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Explained {
    /// The frames, innermost first.
    pub(crate) places: Vec<Place>,
    pub(crate) excerpt: Option<Excerpt>,
    /// Requests that failed at the same time.
    pub(crate) related: Vec<(ExchangeId, String)>,
}

/// A frame, and what its file is to the project.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Place {
    pub(crate) frame: Frame,
    /// The file as it is shown: below the project's folder without it.
    pub(crate) shown: String,
    /// Where the file is, if it is one of the project.
    pub(crate) path: Option<PathBuf>,
    /// Whose code it is, if it is not the project's.
    pub(crate) library: Option<&'static str>,
}

/// The source around a place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Excerpt {
    /// Which of the places.
    pub(crate) place: usize,
    /// The number of the first line.
    pub(crate) first: u32,
    pub(crate) lines: Vec<String>,
    /// The file was written after the error came: the line may be another one by now.
    pub(crate) changed: bool,
}

/// Lines before and after the line of the error.
const AROUND: u32 = 2;
/// A longer file is no source that a person wrote.
const FILE_BYTES_MAX: u64 = 4 << 20;
/// A longer line is cut.
const LINE_CHARS_MAX: usize = 400;
/// So many failed requests are named.
const RELATED_MAX: usize = 3;
/// A request that failed within this time before or after belongs to the error.
const TOGETHER: Duration = Duration::from_millis(1500);

/// Looks at the stack, the files and the requests.
pub(crate) fn explain(question: &Question, backend: &dyn Backend) -> Explained {
    let root = root_of(&backend.project().dir);
    let row = &question.row;
    let text = format!("{}\n{}", row.message, row.stack);
    let of_project = |frame| placed(frame, &root, question.cwd.as_deref(), &backend.project().dir);
    let places: Vec<Place> = frames(&text).into_iter().map(of_project).collect();
    let excerpt = places.iter().enumerate().find_map(|(at, place)| excerpt(at, place, row.last_ms));
    Explained { places, excerpt, related: related(row, backend) }
}

/// The folder of the repository that a project is in, else its own.
fn root_of(dir: &Path) -> PathBuf {
    let repository = dir.ancestors().find(|folder| folder.join(".git").exists());
    let root = repository.unwrap_or(dir);
    root.canonicalize().unwrap_or_else(|_| root.to_owned())
}

/// Where the first of these places is that exists: below the project when its name counts from the folder of the process
/// or of the project, else wherever it says.
///
/// # Errors
/// What is to be told when there is none.
pub(crate) fn spot(places: &[Frame], cwd: Option<&Path>, dir: &Path) -> Result<Spot, String> {
    let root = root_of(dir);
    let file = |path: &Path| path.canonicalize().ok().filter(|path| path.is_file());
    let exists = |frame: &Frame| {
        let named = Path::new(&frame.file);
        if named.is_absolute() {
            return file(named);
        }
        let folders = [cwd.map(|cwd| dir.join(cwd)), Some(dir.to_owned())].into_iter().flatten();
        folders.filter_map(|folder| file(&folder.join(named))).find(|path| path.starts_with(&root))
    };
    let found = places.iter().find_map(|frame| Some((frame, exists(frame)?)));
    let (frame, file) = found.ok_or_else(|| {
        let shortest = places.last().map_or("", |frame| &frame.file);
        format!("there is no file `{shortest}` in this project")
    })?;
    Ok(Spot { file, line: frame.line, column: frame.column.unwrap_or(1) })
}

fn placed(frame: Frame, root: &Path, cwd: Option<&Path>, dir: &Path) -> Place {
    if let Some(name) = library(&frame.file) {
        return Place { shown: frame.file.clone(), path: None, library: Some(name), frame };
    }
    let named = local(&frame.file);
    let named = Path::new(&named);
    let folders = [Some(dir), cwd, Some(root)].into_iter().flatten();
    let mut candidates = std::iter::once(named.to_owned()).filter(|_| named.is_absolute()).chain(
        // An address in a page begins with a slash as well.
        folders.map(|folder| folder.join(named.strip_prefix("/").unwrap_or(named))),
    );
    let path =
        candidates.find_map(|path| path.canonicalize().ok().filter(|path| path.starts_with(root) && path.is_file()));
    let short = |path: &Path| {
        let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
        let below = path.strip_prefix(&dir).or_else(|_| path.strip_prefix(root)).unwrap_or(path);
        below.to_string_lossy().into_owned()
    };
    let outside = path.is_none() && named.is_absolute() && !named.starts_with(root) && !frame.file.contains("://");
    let shown = path.as_deref().map_or_else(|| short(named), short);
    // What lies beside the sources but was installed there is no source either.
    let library = match path.as_deref().and_then(|path| library(&path.to_string_lossy())) {
        None if outside => Some("outside the project"),
        library => library,
    };
    Place { frame, shown, path: path.filter(|_| library.is_none()), library }
}

/// The path in a URL of a source: `webpack://shop/./src/a.ts`, `http://localhost:3000/src/a.ts?t=1`, `file:///srv/a.ts`.
fn local(file: &str) -> String {
    let Some((scheme, rest)) = file.split_once("://") else { return without_dots(file) };
    let path = match scheme {
        "file" => rest,
        _ => rest.find('/').map_or(rest, |at| &rest[at..]),
    };
    let path = path.split(['?', '#']).next().unwrap_or(path);
    // A bundler puts its own name before the path of the module.
    let path = path.rfind("/./").map_or(path, |at| &path[at + 3..]);
    without_dots(path.strip_prefix("/@fs").unwrap_or(path))
}

fn without_dots(path: &str) -> String {
    let parts = Path::new(path).components().filter(|part| *part != Component::CurDir);
    parts.collect::<PathBuf>().to_string_lossy().into_owned()
}

fn excerpt(at: usize, place: &Place, error_ms: u64) -> Option<Excerpt> {
    let path = place.path.as_deref()?;
    let file = File::open(path).ok()?;
    let about = file.metadata().ok().filter(|about| about.is_file() && about.len() <= FILE_BYTES_MAX)?;
    let mut text = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut text).ok()?;
    let text = String::from_utf8_lossy(&text);
    let first = place.frame.line.saturating_sub(AROUND).max(1);
    let wanted = (place.frame.line - first + AROUND + 1) as usize;
    let lines = text.lines().skip(first as usize - 1).take(wanted);
    let lines: Vec<String> = lines.map(|line| line.chars().take(LINE_CHARS_MAX).collect()).collect();
    let written = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
    let changed = written.is_some_and(|written| written.as_millis() > u128::from(error_ms));
    let reaches = lines.len() > (place.frame.line - first) as usize;
    reaches.then_some(Excerpt { place: at, first, lines, changed })
}

/// Whether the newest error of a group came while a request failed.
pub(crate) fn is_together(row: &ErrorRow, exchange: &Exchange) -> bool {
    let together = TOGETHER.as_millis() as u64;
    let begin = exchange.opened.time_ms;
    let end = begin.saturating_add(exchange.phases.total.map_or(0, |total| total.as_millis() as u64));
    // A page sees what any server answers; a process only what it answered itself.
    let whose = match &row.origin {
        ErrorOrigin::Page { .. } => true,
        ErrorOrigin::Lines { .. } => exchange.opened.process.as_ref().is_some_and(|(_, name)| *name == row.name),
    };
    whose && begin <= row.last_ms.saturating_add(together) && end >= row.last_ms.saturating_sub(together)
}

fn related(row: &ErrorRow, backend: &dyn Backend) -> Vec<(ExchangeId, String)> {
    let Ok(failed) = backend.exchanges("~e") else { return Vec::new() };
    let together = failed.iter().filter(|exchange| is_together(row, exchange));
    let told = together.take(RELATED_MAX).map(|exchange| {
        let status = exchange.status.map_or("failed".to_owned(), |status| status.to_string());
        (exchange.id, format!("{} {} {status} (request #{})", exchange.opened.method, place(exchange), exchange.id.0))
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(file: &str, line: u32) -> Frame {
        Frame { file: file.into(), line, column: None, function: String::new() }
    }

    #[test]
    fn sources_are_found_by_every_name_that_a_stack_gives_them() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let app = root.join("apps/web");
        std::fs::create_dir_all(app.join("src")).unwrap();
        std::fs::create_dir_all(app.join("node_modules/x")).unwrap();
        std::fs::write(app.join("src/a.ts"), "one\ntwo\nthree\nfour\n").unwrap();
        std::fs::write(app.join("node_modules/x/i.js"), "x\n").unwrap();
        let absolute = app.join("src/a.ts").display().to_string();
        let file_url = format!("file://{absolute}");
        for name in [
            &*absolute,
            &file_url,
            "src/a.ts",
            "./src/a.ts",
            "apps/web/src/a.ts",
            "http://localhost:3000/src/a.ts?t=1",
            "webpack://web/./src/a.ts",
        ] {
            let place = placed(frame(name, 3), &root, Some(&app), &root);
            assert_eq!(place.path.as_deref(), Some(&*app.join("src/a.ts")), "{name}");
            assert_eq!((place.shown.as_str(), place.library), ("apps/web/src/a.ts", None));
        }
        let place = placed(frame("node_modules/x/i.js", 1), &root, Some(&app), &root);
        assert_eq!((place.path, place.library), (None, Some("node_modules")));
        let place = placed(frame("/etc/passwd", 1), &root, Some(&app), &root);
        assert_eq!((place.path, place.library), (None, Some("outside the project")));
        let place = placed(frame("../../../etc/passwd", 1), &root, Some(&app), &root);
        assert_eq!(place.path, None, "no way leads out of the project");
    }

    #[test]
    fn a_place_is_opened_where_its_file_is_below_the_project_or_by_its_whole_name() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        let project = top.join("shop");
        std::fs::create_dir_all(project.join("api/src")).unwrap();
        for name in ["shop/api/src/a.ts", "shop/b.ts", "outside.ts"] {
            std::fs::write(top.join(name), "x").unwrap();
        }
        let opened = |name: &str, cwd: Option<&str>| {
            spot(&[frame(name, 3)], cwd.map(Path::new), &project).map(|spot| spot.file).ok()
        };
        assert_eq!(opened("src/a.ts", Some("api")), Some(project.join("api/src/a.ts")));
        assert_eq!(
            opened("./src/a.ts", Some(&project.join("api").to_string_lossy())),
            Some(project.join("api/src/a.ts"))
        );
        assert_eq!(opened("src/a.ts", None), None);
        assert_eq!(opened("b.ts", Some("api")), Some(project.join("b.ts")), "by the project");
        assert_eq!(opened("../b.ts", Some("api")), Some(project.join("b.ts")));
        assert_eq!(opened("../outside.ts", None), None);
        assert_eq!(opened("../../outside.ts", Some("api")), None);
        assert_eq!(opened(&top.join("outside.ts").to_string_lossy(), None), Some(top.join("outside.ts")));
        assert_eq!(opened(&top.join("gone.ts").to_string_lossy(), None), None);
        assert_eq!(opened("api", None), None, "a folder is no file");
        let places = [frame("call(b.ts", 3), Frame { column: Some(9), ..frame("b.ts", 3) }];
        assert_eq!(spot(&places, None, &project), Ok(Spot { file: project.join("b.ts"), line: 3, column: 9 }));
        assert!(spot(&[frame("gone.ts", 1)], None, &project).unwrap_err().contains("`gone.ts`"));
    }

    #[test]
    fn an_excerpt_is_the_lines_around_and_nothing_where_the_file_is_too_short() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::write(root.join("a.rs"), "one\ntwo\nthree\nfour\nfive\nsix\n").unwrap();
        let of = |line| excerpt(0, &placed(frame("a.rs", line), &root, None, &root), u64::MAX);
        let shown = |line| of(line).map(|excerpt| (excerpt.first, excerpt.lines.join(" ")));
        assert_eq!(shown(1), Some((1, "one two three".into())));
        assert_eq!(shown(4), Some((2, "two three four five six".into())));
        assert_eq!(shown(7), None);
        assert_eq!(shown(u32::MAX), None);
        let place = placed(frame("a.rs", 1), &root, None, &root);
        assert!(excerpt(0, &place, 1).unwrap().changed && !excerpt(0, &place, u64::MAX).unwrap().changed);
    }
}
