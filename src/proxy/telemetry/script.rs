//! The two scripts as they are served: without comments and needless spaces, made once.

use std::borrow::Cow;
use std::sync::OnceLock;

use crate::proxy::engine::LocalAnswer;

/// The file that the page's tag names.
pub const PAGE_FILE: &str = "t.js";
/// The file that the first one loads.
pub const TOOLS_FILE: &str = "p.js";

/// The scripts, made ready when they are first asked for.
#[derive(Clone, Debug, Default)]
pub struct Scripts {
    page: OnceLock<String>,
    tools: OnceLock<String>,
}

impl Scripts {
    /// The answer to a request for a file below the control prefix, if it is a script.
    pub fn get(&self, file: &str) -> Option<LocalAnswer> {
        let text = match file {
            PAGE_FILE => self.page.get_or_init(|| squeeze(include_str!("page.js"))),
            TOOLS_FILE => self.tools.get_or_init(|| squeeze(include_str!("tools.js"))),
            _ => return None,
        };
        let body = Cow::Owned(text.clone().into_bytes());
        let mut answer = LocalAnswer::new(200, "text/javascript; charset=utf-8", body);
        // The path has a token that is new with each start, so what is kept is never old.
        answer.headers = vec![
            ("Cache-Control", "max-age=86400, immutable".to_owned()),
            ("X-Content-Type-Options", "nosniff".to_owned()),
            ("Cross-Origin-Resource-Policy", "same-origin".to_owned()),
        ];
        Some(answer)
    }
}

/// Takes comments, indentation and spaces out of a script that keeps to the rules at the head of `page.js`: a comment has a
/// line of its own, texts stand between single quotes within a line, regular expressions hold neither spaces nor quotes,
/// and every statement ends with a semicolon.
fn squeeze(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    for line in source.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")) {
        if !out.is_empty() && !out.ends_with([';', ',', '{', '(', '[']) {
            out.push('\n');
        }
        squeeze_line(line, &mut out);
    }
    out.push('\n');
    out
}

fn squeeze_line(line: &str, out: &mut String) {
    let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let mut rest = line.chars().peekable();
    let mut quoted = false;
    while let Some(c) = rest.next() {
        if c == ' ' && !quoted {
            let (before, after) = (out.chars().next_back().unwrap_or(' '), rest.peek().copied().unwrap_or(' '));
            let signs = "+-".contains(before) && "+-".contains(after);
            if !(signs || is_word(before) && is_word(after)) {
                continue;
            }
        }
        out.push(c);
        match c {
            '\'' => quoted = !quoted,
            '\\' if quoted => out.extend(rest.next()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_script_is_below_ten_kibibytes_as_it_is_served() {
        let scripts = Scripts::default();
        for file in [PAGE_FILE, TOOLS_FILE] {
            let answer = scripts.get(file).expect("a script");
            assert!(answer.body.len() < 10 * 1024, "{file} has {} bytes", answer.body.len());
            assert_eq!(answer.status, 200);
        }
        assert!(scripts.get("other").is_none());
    }

    #[test]
    fn spaces_go_where_they_mean_nothing() {
        let source =
            "// comment\n  const a = 'b  \\' c' ; // not a line of its own\n\n  return a + -b in c\n  x - --y;\n  f();";
        let expected = "const a='b  \\' c';//not a line of its own\nreturn a+ -b in c\nx- --y;f();\n";
        assert_eq!(squeeze(source), expected);
    }

    #[test]
    fn the_scripts_keep_to_the_rules_that_squeezing_needs() {
        for source in [include_str!("page.js"), include_str!("tools.js")] {
            for line in source.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
                assert!(!line.contains("/*") && !line.contains('`') && !line.contains(" // "), "{line}");
                let quotes = line.replace("\\'", "").matches('\'').count();
                assert!(quotes % 2 == 0, "{line}");
            }
        }
    }
}
