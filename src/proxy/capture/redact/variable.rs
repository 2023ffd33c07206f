//! Which variables of an environment are secrets.

use super::fields::url;
use super::names::is_secret_name;

/// Last words of names whose values are secrets in an environment: `STRIPE_KEY`, `GPG_PASSPHRASE`.
const LAST_WORDS: [&str; 4] = ["key", "passphrase", "pat", "salt"];
/// A part of a value ends here.
const PARTS: &[char] = &[' ', '\t', '\n', ',', ';', '|'];

/// Whether a variable of an environment is a secret, by its name or by what stands in it: a password in a URL, a token of a
/// well-known form, `password=x`, `"token": "x"`. All of its value is then masked.
///
/// ```
/// use brummer::proxy::capture::redact::is_secret_variable;
///
/// assert!(is_secret_variable("STRIPE_KEY", "x") && is_secret_variable("DATABASE_URL", "postgres://me:x@localhost/shop"));
/// assert!(!is_secret_variable("PORT", "3000") && !is_secret_variable("PATH", "/opt/auth:/usr/bin"));
/// ```
pub fn is_secret_variable(name: &str, value: &str) -> bool {
    let last = name.rsplit(['_', '-', '.']).next().unwrap_or_default().to_ascii_lowercase();
    let masked = |part: &str| *url(part) != *part;
    let named = is_secret_name(name) || LAST_WORDS.contains(&last.as_str());
    !value.is_empty() && (named || masked(value) || value.split(PARTS).any(masked) || assigns(value))
}

/// Whether something is given to a secret name: `password=x`, `"token": "x"`, `token: x`.
fn assigns(value: &str) -> bool {
    value.match_indices(['=', ':']).any(|(at, sign)| {
        let (before, behind) = (&value[..at], &value[at + 1..]);
        // Paths are lists with colons.
        let is_given = sign == "=" || before.ends_with(['"', '\'']) || behind.starts_with(' ');
        let head = before.trim_end_matches([' ', '"', '\'']);
        let from = head.rfind(|c: char| !(c.is_ascii_alphanumeric() || "_-.".contains(c)));
        let word = from.map_or(head, |from| head[from..].trim_start_matches(|c: char| !c.is_ascii_alphanumeric()));
        is_given && !behind.trim().is_empty() && is_secret_name(word)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_names_and_by_what_they_hold() {
        let jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U";
        for (name, value) in [
            ("API_KEY", "x"),
            ("STRIPE_KEY", "x"),
            ("DB_PASSWORD", "x"),
            ("PGPASSWORD", "x"),
            ("SESSION_SECRET", "x"),
            ("REDIS", "redis://:x@localhost:6379"),
            ("HOSTS", "http://a/,postgres://me:x@b/"),
            ("DSN", "user=me password=x host=b"),
            ("JSON", r#"{"port": 1, "password":"x"}"#),
            ("HEADER", "Bearer abcdef0123456789"),
            ("SOMETHING", jwt),
        ] {
            assert!(is_secret_variable(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("PORT", "3000"),
            ("API_KEY", ""),
            ("PATH", "/opt/auth:/opt/session:/usr/bin"),
            ("NODE_OPTIONS", "--max-old-space-size=4096 --inspect=127.0.0.1:9229"),
            ("npm_package_json", "/home/me/token/package.json"),
            ("DATABASE_URL", "postgres://localhost/shop"),
            ("NEXT_PUBLIC_URL", "http://localhost:3000/?page=2"),
            ("npm_config_user_agent", "npm/10.0.0 brummer/0.1.0 linux x86_64"),
        ] {
            assert!(!is_secret_variable(name, value), "{name}={value}");
        }
    }
}
