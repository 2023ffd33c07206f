//! Whom a call is for that names no instance: the one that was chosen, that of the client's folder, the only one, or the last used.

use std::path::{Path, PathBuf};

/// What is known of a client's wishes.
#[derive(Clone, Debug, Default)]
pub(super) struct Wishes {
    /// The prefix that `instances_connect` named.
    pub(super) chosen: Option<String>,
    /// The client's root directories, once it was asked.
    pub(super) roots: Option<Vec<PathBuf>>,
    /// The folder that the hub was started in.
    pub(super) folder: PathBuf,
    /// The prefix that was used last.
    pub(super) last: Option<String>,
}

/// An instance that could be meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    pub(super) prefix: &'a str,
    pub(super) directory: &'a str,
}

/// The instance that is meant; `None` when there are several and nothing tells.
pub(super) fn choose<'a>(wishes: &Wishes, candidates: &[Candidate<'a>]) -> Option<&'a str> {
    let named = |prefix: &Option<String>| {
        let prefix = prefix.as_deref()?;
        candidates.iter().find(|one| one.prefix == prefix).map(|one| one.prefix)
    };
    let folders = wishes.roots.iter().flatten().chain([&wishes.folder]);
    let only = if let [only] = candidates { Some(only.prefix) } else { None };
    named(&wishes.chosen)
        .or_else(|| folders.into_iter().find_map(|folder| nearest(folder, candidates)))
        .or(only)
        .or_else(|| named(&wishes.last))
}

/// The instance whose folder is this one, or the closest around it, or the only one below it.
fn nearest<'a>(folder: &Path, candidates: &[Candidate<'a>]) -> Option<&'a str> {
    let depth = |one: &&Candidate<'_>| Path::new(one.directory).components().count();
    let around = candidates.iter().filter(|one| folder.starts_with(one.directory)).max_by_key(depth);
    let mut below = candidates.iter().filter(|one| Path::new(one.directory).starts_with(folder));
    // Everything is below `/`, which tells nothing.
    let below = below.next().filter(|_| below.next().is_none() && folder.parent().is_some());
    around.or(below).map(|one| one.prefix)
}

/// The folder of a `file://` URI.
pub(super) fn folder_of_uri(uri: &str) -> Option<PathBuf> {
    let path = uri.strip_prefix("file://")?;
    let path = &path[path.find('/')?..];
    let (mut bytes, mut rest) = (Vec::new(), path.as_bytes());
    while let [first, after @ ..] = rest {
        let hex = |at: usize| (*after.get(at)? as char).to_digit(16);
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                bytes.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    let text = String::from_utf8(bytes).ok()?;
    let text = if text.len() > 1 { text.trim_end_matches('/') } else { &text };
    Some(PathBuf::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Candidate<'static>; 3] = [
        Candidate { prefix: "mono", directory: "/home/a/mono" },
        Candidate { prefix: "web", directory: "/home/a/mono/web" },
        Candidate { prefix: "api", directory: "/srv/api" },
    ];

    fn chosen(wishes: &Wishes, candidates: &[Candidate<'static>]) -> &'static str {
        choose(wishes, candidates).unwrap_or("-")
    }

    #[test]
    fn the_chosen_then_the_folder_then_the_only_one_then_the_last_used() {
        let in_folder = |folder: &str| Wishes { folder: folder.into(), ..Wishes::default() };
        assert_eq!(chosen(&in_folder("/elsewhere"), &ALL), "-");
        assert_eq!(chosen(&in_folder("/elsewhere"), &ALL[2..]), "api");
        assert_eq!(chosen(&in_folder("/home/a/mono"), &ALL), "mono");
        assert_eq!(chosen(&in_folder("/home/a/mono/web/src"), &ALL), "web");
        assert_eq!(chosen(&in_folder("/home/a/monologue"), &ALL), "-");
        assert_eq!(chosen(&in_folder("/srv"), &ALL), "api", "the only one below");
        assert_eq!(chosen(&in_folder("/home/a"), &ALL), "-", "two are below");
        assert_eq!(chosen(&in_folder("/"), &ALL[1..]), "-");
        let mut wishes = Wishes { last: Some("api".into()), ..in_folder("/elsewhere") };
        assert_eq!(chosen(&wishes, &ALL), "api");
        wishes.roots = Some(vec!["/home/a/mono/web".into()]);
        assert_eq!(chosen(&wishes, &ALL), "web");
        wishes.chosen = Some("mono".into());
        assert_eq!(chosen(&wishes, &ALL), "mono");
        assert_eq!(chosen(&wishes, &ALL[1..]), "web", "the chosen one is gone");
        assert_eq!(chosen(&wishes, &[]), "-");
    }

    #[test]
    fn roots_are_file_uris() {
        assert_eq!(folder_of_uri("file:///home/a%20b/c/"), Some("/home/a b/c".into()));
        assert_eq!(folder_of_uri("file://localhost/x%"), Some("/x%".into()));
        assert_eq!(folder_of_uri("file:///"), Some("/".into()));
        assert_eq!(folder_of_uri("https://a/b"), None);
    }
}
