//! Reads the Content-Security-Policies of a page and says what must change so that one script of its own origin may run.
//!
//! All policies apply at once, so each is looked at: the directive that rules scripts (`script-src-elem`, else `script-src`,
//! else `default-src`) has to admit the script, the one that rules connections (`connect-src`, else `default-src`) its
//! messages, and where trusted types are asked for, the one that it names ([`TYPES`]) has to be allowed. As little as possible is changed: a nonce that is there is used; `'self'` is enough where it counts; a nonce is
//! never added beside a working `'unsafe-inline'`, which it would switch off.

/// One `Content-Security-Policy` or `Content-Security-Policy-Report-Only` field.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a> {
    /// Its value: policies with commas between.
    pub value: &'a str,
    /// It only reports, and forbids nothing.
    pub report_only: bool,
}

/// Whose script it is.
#[derive(Clone, Copy, Debug)]
pub struct Guest<'a> {
    /// The origin that serves page and script: `http://localhost:20888`.
    pub origin: &'a str,
    /// A fresh nonce, in case that one is needed.
    pub nonce: &'a str,
    /// Policies may be changed; else a policy that forbids the script is a refusal.
    pub may_change: bool,
}

/// How the script may run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Admission {
    /// The nonce that its tag has to carry.
    pub nonce: Option<String>,
    /// The new value of each field that changes.
    pub values: Vec<Option<String>>,
    /// A policy that is enforced allows more than before.
    pub loosened: bool,
}

/// One directive: its name and the words behind it.
#[derive(Clone, Debug)]
struct Directive<'a> {
    name: String,
    words: Vec<&'a str>,
}

/// The policies of one field.
fn parse(value: &str) -> Vec<Vec<Directive<'_>>> {
    let policies = value.split(',').map(|policy| {
        let mut directives: Vec<Directive> = Vec::new();
        for text in policy.split(';') {
            let mut words = text.split_ascii_whitespace();
            let Some(name) = words.next().map(str::to_ascii_lowercase) else { continue };
            // The first of a name counts.
            if directives.iter().all(|directive| directive.name != name) {
                directives.push(Directive { name, words: words.collect() });
            }
        }
        directives
    });
    policies.collect()
}

/// The directive that rules, by the order of fallback.
fn ruling(policy: &[Directive], names: &[&str]) -> Option<usize> {
    names.iter().find_map(|name| policy.iter().position(|directive| directive.name == *name))
}

/// The name under which the script makes the address of its second half a trusted one.
pub const TYPES: &str = "brummer";

const FOR_SCRIPTS: [&str; 3] = ["script-src-elem", "script-src", "default-src"];
const FOR_CONNECTIONS: [&str; 2] = ["connect-src", "default-src"];

fn has(words: &[&str], word: &str) -> bool {
    words.iter().any(|candidate| candidate.eq_ignore_ascii_case(word))
}

fn nonce_in<'a>(words: &[&'a str]) -> Option<&'a str> {
    words.iter().find_map(|word| {
        let (head, nonce) = word.split_at_checked(7)?;
        head.eq_ignore_ascii_case("'nonce-").then(|| nonce.strip_suffix('\''))?.filter(|nonce| !nonce.is_empty())
    })
}

fn has_hash(words: &[&str]) -> bool {
    let lower = words.iter().map(|word| word.to_ascii_lowercase());
    lower.into_iter().any(|word| ["'sha256-", "'sha384-", "'sha512-"].iter().any(|prefix| word.starts_with(prefix)))
}

/// Whether a URL of the origin is among the sources.
fn admits_origin(words: &[&str], origin: &str) -> bool {
    let (scheme, authority) = origin.split_once("://").unwrap_or(("http", origin));
    words.iter().any(|word| {
        let word = word.to_ascii_lowercase();
        let bare = word.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://")).unwrap_or(&word);
        word == "'self'"
            || word == "*"
            || word.strip_suffix(':') == Some(scheme)
            || bare.trim_end_matches('/') == authority
            || bare.strip_suffix(":*").is_some_and(|host| authority.rsplit_once(':').map(|(own, _)| own) == Some(host))
    })
}

/// Adds a source to the directive of a name; where only `default-src` rules, a directive of that name is made from it.
fn add<'a>(policy: &mut Vec<Directive<'a>>, at: usize, name: &str, source: &'a str) {
    let at = if policy[at].name == "default-src" {
        policy.push(Directive { name: name.to_owned(), words: policy[at].words.clone() });
        policy.len() - 1
    } else {
        at
    };
    policy[at].words.retain(|word| !word.eq_ignore_ascii_case("'none'"));
    policy[at].words.push(source);
}

fn render(policies: &[Vec<Directive>]) -> String {
    let directive = |directive: &Directive| {
        std::iter::once(directive.name.as_str()).chain(directive.words.iter().copied()).collect::<Vec<_>>().join(" ")
    };
    let policy = |policy: &Vec<Directive>| policy.iter().map(directive).collect::<Vec<_>>().join("; ");
    policies.iter().map(policy).collect::<Vec<_>>().join(", ")
}

/// What a policy lacks before the script may run and talk to its origin; `source` is what to add to its scripts.
fn lacks_script<'a>(words: &[&str], guest: &Guest, nonce: &str, source: &'a str) -> Option<&'a str> {
    let nonced = words.iter().any(|word| nonce_in(&[word]) == Some(nonce));
    if nonced {
        return None;
    }
    if has(words, "'strict-dynamic'") {
        return Some(source);
    }
    if admits_origin(words, guest.origin) {
        return None;
    }
    let inline_works = has(words, "'unsafe-inline'") && nonce_in(words).is_none() && !has_hash(words);
    Some(if inline_works { "'self'" } else { source })
}

/// Finds out how the script may run beside the policies of `fields`.
///
/// ```
/// use brummer::wire::csp::{Field, Guest, admit};
///
/// let guest = Guest { origin: "http://localhost:20888", nonce: "fresh", may_change: true };
/// let field = |value| Field { value, report_only: false };
/// let admission = admit(&[field("script-src 'nonce-abc' 'strict-dynamic'")], &guest).unwrap();
/// assert_eq!(admission.nonce.as_deref(), Some("abc"));
/// assert!(!admission.loosened);
/// let admission = admit(&[field("default-src 'none'")], &guest).unwrap();
/// let new = "default-src 'none'; script-src 'nonce-fresh'; connect-src 'self'";
/// assert_eq!(admission.values, [Some(new.to_owned())]);
/// ```
///
/// # Errors
/// Why it may not: the page is sandboxed without scripts, or a policy forbids it and may not be changed.
pub fn admit(fields: &[Field], guest: &Guest) -> Result<Admission, &'static str> {
    let mut parsed: Vec<_> = fields.iter().map(|field| (field.report_only, parse(field.value))).collect();
    // What is enforced decides which nonce the tag gets.
    parsed.sort_by_key(|(report_only, _)| *report_only);
    let found = parsed.iter().flat_map(|(_, policies)| policies).find_map(|policy| {
        let at = ruling(policy, &FOR_SCRIPTS)?;
        nonce_in(&policy[at].words)
    });
    let nonce = found.unwrap_or(guest.nonce).to_owned();
    let source = format!("'nonce-{nonce}'");
    let mut admission = Admission { nonce: found.map(str::to_owned), ..Admission::default() };
    for field in fields {
        let mut policies = parse(field.value);
        let mut changed = false;
        for policy in &mut policies {
            let sandbox = policy.iter().find(|directive| directive.name == "sandbox");
            if !field.report_only && sandbox.is_some_and(|sandbox| !has(&sandbox.words, "allow-scripts")) {
                return Err("the page is sandboxed without scripts");
            }
            changed |= admit_to(policy, guest, &nonce, &source);
        }
        if changed && !guest.may_change && !field.report_only {
            return Err("the page's Content-Security-Policy forbids it");
        }
        let changed = changed && guest.may_change;
        let value = changed.then(|| render(&policies));
        if value.as_deref().is_some_and(|value| value.contains(&source)) {
            admission.nonce = Some(nonce.clone());
        }
        admission.loosened |= changed && !field.report_only;
        admission.values.push(value);
    }
    Ok(admission)
}

/// Changes one policy so that the script is admitted, and says whether that was needed.
fn admit_to<'a>(policy: &mut Vec<Directive<'a>>, guest: &Guest, nonce: &str, source: &'a str) -> bool {
    let mut changed = false;
    if let Some(at) = ruling(policy, &FOR_SCRIPTS)
        && let Some(lacking) = lacks_script(&policy[at].words, guest, nonce, source)
    {
        add(policy, at, "script-src", lacking);
        changed = true;
    }
    if let Some(at) = ruling(policy, &FOR_CONNECTIONS)
        && !admits_origin(&policy[at].words, guest.origin)
    {
        add(policy, at, "connect-src", "'self'");
        changed = true;
    }
    if let Some(at) = ruling(policy, &["trusted-types"])
        && !has(&policy[at].words, "*")
        && !has(&policy[at].words, TYPES)
    {
        add(policy, at, "trusted-types", TYPES);
        changed = true;
    }
    changed
}

#[cfg(test)]
mod tests {
    use super::*;

    const GUEST: Guest = Guest { origin: "http://localhost:20888", nonce: "own", may_change: true };

    /// Policy, nonce of the tag, the policy afterwards (empty: unchanged).
    const TABLE: &[(&str, &str, &str)] = &[
        ("", "", ""),
        ("default-src 'self'", "", ""),
        ("default-src *", "", ""),
        ("default-src http:", "", ""),
        ("img-src 'none'; object-src 'none'", "", ""),
        ("script-src 'self' 'unsafe-inline'; connect-src 'self' ws:", "", ""),
        ("script-src http://localhost:20888; connect-src localhost:20888", "", ""),
        ("script-src http://localhost:*; connect-src localhost:*", "", ""),
        ("script-src 'nonce-abc'", "abc", ""),
        ("SCRIPT-SRC 'Nonce-aBc' https:", "aBc", ""),
        ("script-src 'nonce-abc' 'strict-dynamic' 'unsafe-inline'; connect-src *", "abc", ""),
        ("script-src 'self' 'nonce-abc'", "abc", ""),
        ("script-src 'self' 'strict-dynamic'", "own", "script-src 'self' 'strict-dynamic' 'nonce-own'"),
        ("script-src https://cdn.example", "own", "script-src https://cdn.example 'nonce-own'"),
        ("script-src 'sha256-AAA='", "own", "script-src 'sha256-AAA=' 'nonce-own'"),
        ("script-src 'unsafe-inline'", "", "script-src 'unsafe-inline' 'self'"),
        ("script-src 'unsafe-inline' 'sha256-A='", "own", "script-src 'unsafe-inline' 'sha256-A=' 'nonce-own'"),
        ("default-src 'none'", "own", "default-src 'none'; script-src 'nonce-own'; connect-src 'self'"),
        (
            "default-src https://cdn.example 'unsafe-inline'",
            "",
            "default-src https://cdn.example 'unsafe-inline'; script-src https://cdn.example 'unsafe-inline' 'self'; \
             connect-src https://cdn.example 'unsafe-inline' 'self'",
        ),
        ("script-src-elem 'none'; script-src 'self'", "own", "script-src-elem 'nonce-own'; script-src 'self'"),
        (
            "script-src 'self'; connect-src https://api.example",
            "",
            "script-src 'self'; connect-src https://api.example 'self'",
        ),
        ("connect-src 'none'", "", "connect-src 'self'"),
        ("script-src 'none'; script-src 'self'", "own", "script-src 'nonce-own'"),
        ("default-src 'self', script-src 'none'", "own", "default-src 'self', script-src 'nonce-own'"),
        ("script-src 'nonce-a', script-src 'nonce-b'", "a", "script-src 'nonce-a', script-src 'nonce-b' 'nonce-a'"),
        (
            "script-src 'nonce-a', script-src 'unsafe-inline'",
            "a",
            "script-src 'nonce-a', script-src 'unsafe-inline' 'self'",
        ),
        ("require-trusted-types-for 'script'; script-src 'self'", "", ""),
        ("trusted-types *", "", ""),
        ("trusted-types angular 'allow-duplicates'", "", "trusted-types angular 'allow-duplicates' brummer"),
        ("trusted-types 'none'", "", "trusted-types brummer"),
        ("sandbox allow-scripts allow-same-origin", "", ""),
    ];

    #[test]
    fn each_policy_changes_as_little_as_it_must() {
        for (policy, nonce, after) in TABLE {
            let admission = admit(&[Field { value: policy, report_only: false }], &GUEST).expect(policy);
            assert_eq!(admission.nonce.as_deref().unwrap_or_default(), *nonce, "{policy}");
            assert_eq!(admission.values[0].as_deref().unwrap_or_default(), *after, "{policy}");
            assert_eq!(admission.loosened, !after.is_empty(), "{policy}");
        }
    }

    #[test]
    fn what_was_changed_once_needs_no_more_change() {
        for (policy, ..) in TABLE {
            let Ok(Admission { values, .. }) = admit(&[Field { value: policy, report_only: false }], &GUEST) else {
                continue;
            };
            let Some(after) = &values[0] else { continue };
            let again = admit(&[Field { value: after, report_only: false }], &GUEST).expect(after);
            assert_eq!(again.values, [None], "{policy} became {after}");
        }
    }

    #[test]
    fn a_sandbox_without_scripts_is_a_refusal_and_a_report_is_none() {
        let field = |value, report_only| Field { value, report_only };
        assert!(admit(&[field("sandbox", false)], &GUEST).is_err());
        assert!(admit(&[field("default-src 'self'", false), field("SANDBOX allow-forms", false)], &GUEST).is_err());
        assert!(admit(&[field("sandbox", true)], &GUEST).is_ok());
    }

    #[test]
    fn a_policy_that_only_reports_is_kept_quiet_and_loosens_nothing() {
        let field = |value, report_only| Field { value, report_only };
        let admission =
            admit(&[field("script-src 'nonce-r'", true), field("script-src 'none'", false)], &GUEST).unwrap();
        assert_eq!(admission.nonce.as_deref(), Some("r"));
        assert_eq!(admission.values, [None, Some("script-src 'nonce-r'".into())]);
        assert!(admission.loosened);
        let admission = admit(&[field("default-src 'none'", true)], &GUEST).unwrap();
        assert!(admission.values[0].is_some() && !admission.loosened);
        let admission =
            admit(&[field("script-src 'nonce-r'", true), field("script-src 'nonce-e'", false)], &GUEST).unwrap();
        assert_eq!(admission.nonce.as_deref(), Some("e"), "what is enforced comes first");
    }

    #[test]
    fn policies_that_are_to_be_left_alone_are_left_alone() {
        let guest = Guest { may_change: false, ..GUEST };
        let field = |value, report_only| Field { value, report_only };
        assert!(admit(&[field("script-src 'none'", false)], &guest).is_err());
        assert!(admit(&[field("connect-src 'none'", false)], &guest).is_err());
        assert_eq!(admit(&[field("script-src 'none'", true)], &guest).unwrap().values, [None]);
        let admission = admit(&[field("script-src 'nonce-abc'", false)], &guest).unwrap();
        assert_eq!((admission.nonce.as_deref(), admission.loosened), (Some("abc"), false));
    }
}
