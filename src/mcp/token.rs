//! The token that clients show where `mcp_token` is on: one per user, made on the first wish, in a file that nobody else can read.

use std::ffi::OsString;
use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};

use crate::error::{Code, Error, Result};

/// So many bytes nobody guesses.
const RANDOM_BYTES: usize = 32;
/// Characters of a token that a person has put there.
const CHARS: std::ops::RangeInclusive<usize> = 16..=512;

/// A token and its file. What is printed of it for debugging is masked.
#[derive(Clone, PartialEq, Eq)]
pub struct Token {
    path: PathBuf,
    text: String,
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token({})", self.path.display())
    }
}

impl Token {
    /// This user's, in `$XDG_STATE_HOME/brummer/mcp-token` (`~/.local/state` when that is not set); made if there is none.
    ///
    /// # Errors
    /// As [`Token::at`]; NOT_FOUND without a home folder.
    pub fn of_user() -> Result<Token> {
        let folder = state_folder(|name| std::env::var_os(name)).ok_or_else(|| {
            Error::new("mcp", Code::NotFound, "HOME is not set: there is no place for the token of the MCP server")
        })?;
        Token::at(&folder.join("brummer/mcp-token"))
    }

    /// The token in this file, which is made if it is not there.
    ///
    /// # Errors
    /// PERMISSION: others can read the file, or it is another user's; INVALID_STATE: what stands there is no token.
    pub fn at(path: &Path) -> Result<Token> {
        let failed = |attempt: &str| {
            let attempt = format!("{attempt} the token of the MCP server in {}", path.display());
            move |error| Error::io("mcp", attempt, error)
        };
        let text = match read(path)? {
            Some(text) => text,
            None => {
                make(path).map_err(failed("write"))?;
                read(path)?.unwrap_or_default()
            }
        };
        let text = text.trim().to_owned();
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte);
        if !CHARS.contains(&text.len()) || !text.bytes().all(fits) {
            let message = format!(
                "{} holds no token: 16 to 512 letters, digits and -._~+/= are one; remove the file for a new one",
                path.display()
            );
            return Err(Error::new("mcp", Code::InvalidState, message));
        }
        Ok(Token { path: path.to_owned(), text })
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The token itself: to be shown to the server, and to nobody else.
    pub fn reveal(&self) -> &str {
        &self.text
    }
}

fn state_folder(variable: impl Fn(&str) -> Option<OsString>) -> Option<PathBuf> {
    let set = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")))
}

fn read(path: &Path) -> Result<Option<String>> {
    let failed = |error| Error::io("mcp", format!("read the token of the MCP server in {}", path.display()), error);
    let flags = libc::O_NOFOLLOW | libc::O_NONBLOCK;
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        other => other.map_err(failed)?,
    };
    let seen = file.metadata().map_err(failed)?;
    let own = rustix::process::geteuid().as_raw();
    if !seen.is_file() || seen.uid() != own || seen.mode() & 0o077 != 0 {
        let message = format!("others can read {}, so it is no secret: chmod 600 it, or remove it", path.display());
        return Err(Error::new("mcp", Code::Permission, message));
    }
    let mut text = String::new();
    file.take(*CHARS.end() as u64 + 2).read_to_string(&mut text).map_err(failed)?;
    Ok(Some(text))
}

/// Makes one that is there whole or not at all; another process may be quicker, and then its token counts.
fn make(path: &Path) -> io::Result<()> {
    let mut bytes = [0; RANDOM_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the system has no random numbers"))?;
    let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    let folder = path.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let draft = folder.join(format!(".mcp-token.{}.{}", std::process::id(), &text[..8]));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let made = file.write_all(text.as_bytes()).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match made {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => removed,
        other => other.and(removed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_token_is_made_once_and_only_its_user_can_read_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/brummer/mcp-token");
        let all: Vec<Token> = std::thread::scope(|scope| {
            let makers: Vec<_> = (0..8).map(|_| scope.spawn(|| Token::at(&path).unwrap())).collect();
            makers.into_iter().map(|maker| maker.join().unwrap()).collect()
        });
        assert!(all.iter().all(|token| *token == all[0]), "all have the same");
        assert_eq!(all[0].reveal().len(), 2 * RANDOM_BYTES);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left");
        assert!(!format!("{:?}", all[0]).contains(all[0].reveal()));
        let other = Token::at(&dir.path().join("other")).unwrap();
        assert_ne!(other.reveal(), all[0].reveal());
    }

    #[test]
    fn a_file_that_others_can_read_or_that_holds_no_token_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        let write = |text: &str, mode: u32| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            Token::at(&path)
        };
        assert_eq!(write("my-own-token.0123456789\n", 0o600).unwrap().reveal(), "my-own-token.0123456789");
        assert_eq!(write("my-own-token.0123456789", 0o640).unwrap_err().code(), Code::Permission);
        for text in ["", "short", "with a blank within it", "0123456789\r\nX-Header: 1", &"a".repeat(600)] {
            let error = write(text, 0o600).unwrap_err();
            assert!(error.code() == Code::InvalidState && error.message().contains("holds no token"), "{error}");
        }
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(Token::at(&link).is_err(), "a link is not followed");
    }

    #[test]
    fn it_lies_among_the_state_of_the_user() {
        let with = |vars: &[(&str, &str)]| {
            state_folder(|name| vars.iter().find(|(own, _)| *own == name).map(|(_, value)| value.into()))
        };
        assert_eq!(with(&[("HOME", "/h"), ("XDG_STATE_HOME", "/s")]), Some("/s".into()));
        assert_eq!(with(&[("HOME", "/h"), ("XDG_STATE_HOME", "s")]), Some("/h/.local/state".into()));
        assert_eq!(with(&[]), None);
    }
}
