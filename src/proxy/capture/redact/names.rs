//! Which names mean a secret: of headers, query parameters, form fields, JSON keys.

/// Words that mean a secret wherever they stand in a name, also without a gap before them.
const INSIDE: &[&str] =
    &["token", "secret", "passw", "apikey", "credential", "sessionid", "sessid", "privatekey", "accesskey", "jwt"];
/// Words that mean a secret as a whole word of a name.
const WORDS: &[&str] =
    &["auth", "authorization", "pwd", "pass", "sid", "otp", "pin", "csrf", "xsrf", "session", "cookie", "sig"];
/// Names that are secrets as they are.
const WHOLE: &[&str] = &["signature", "xamzsignature", "samlresponse", "assertion", "idtoken", "authcode"];
/// Last words that make a harmless name of one about a secret: `token_type`, `max_tokens`, `password_min_length`.
const HARMLESS_ENDS: &[&str] = &[
    "tokens",
    "type",
    "count",
    "expires",
    "expiry",
    "expiration",
    "in",
    "at",
    "limit",
    "length",
    "endpoint",
    "url",
    "name",
    "id",
];

/// Whether a value of this name is a secret: `X-Api-Key`, `access_token`, `newPassword`, `session[auth]`.
///
/// ```
/// use brummer::proxy::capture::redact::is_secret_name;
///
/// assert!(is_secret_name("accessToken") && is_secret_name("X-API-Key"));
/// assert!(!is_secret_name("author") && !is_secret_name("max_tokens"));
/// ```
pub fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    let joined = words.concat();
    if WHOLE.contains(&joined.as_str()) || joined == "sessionid" {
        return true;
    }
    if words.len() > 1 && words.last().is_some_and(|last| HARMLESS_ENDS.contains(&last.as_str())) {
        return ["session", "id"].iter().all(|word| words.iter().any(|own| own == word));
    }
    let whole = |word: &String| WORDS.contains(&word.as_str());
    joined != "tokens" && (words.iter().any(whole) || INSIDE.iter().any(|part| joined.contains(part)))
}

/// Whether all that is in an object of this name is one: `credentials`, `tokens`, `cookies`; in `session` or `auth` there is more
/// than secrets, and these have names of their own.
pub(super) fn is_secret_container(name: &str) -> bool {
    let joined = words(name).concat();
    joined == "tokens"
        || joined == "cookies"
        || (is_secret_name(name) && INSIDE.iter().any(|part| joined.contains(part)))
}

/// Whether a query parameter of this name is one; there are two more: `?key=…` of many services, `?code=…` of OAuth.
pub(super) fn is_secret_parameter(name: &str) -> bool {
    is_secret_name(name) || name.eq_ignore_ascii_case("key") || name.eq_ignore_ascii_case("code")
}

/// The words of a name, in lower case: split at what is no letter or digit, and where a capital follows a small letter.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous = ' ';
    for c in name.chars().take(100) {
        let starts = !c.is_alphanumeric() || (c.is_uppercase() && previous.is_lowercase());
        if starts && words.last().is_some_and(|word| !word.is_empty()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_alphanumeric()) {
            word.extend(c.to_lowercase());
        }
        previous = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_told_from_others() {
        for name in [
            "Authorization",
            "X-Auth-Token",
            "x-api-key",
            "apiKey",
            "API_KEY",
            "access_token",
            "refreshToken",
            "id_token",
            "password",
            "newPassword",
            "user[password_confirmation]",
            "passwd",
            "pwd",
            "client_secret",
            "clientSecret",
            "session",
            "session_id",
            "JSESSIONID",
            "PHPSESSID",
            "connect.sid",
            "csrfmiddlewaretoken",
            "X-CSRF-Token",
            "otp",
            "aws_secret_access_key",
            "X-Amz-Signature",
            "credentials",
            "jwt",
            "sig",
            "private_key",
            "auth",
            "x-xsrf-token",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "author",
            "authority",
            "tokens",
            "max_tokens",
            "prompt_tokens",
            "token_type",
            "token_count",
            "passenger",
            "spin",
            "key",
            "keyboard",
            "design",
            "assign",
            "compass",
            "Content-Type",
            "Accept",
            "id",
            "name",
            "code",
            "section",
            "password_min_length",
            "token_endpoint",
            "expires_in",
            "side",
            "",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
        for (name, container) in
            [("credentials", true), ("cookies", true), ("tokens", true), ("session", false), ("a", false)]
        {
            assert_eq!(is_secret_container(name), container, "{name}");
        }
        assert!(is_secret_parameter("key") && is_secret_parameter("Code") && !is_secret_parameter("keys"));
    }
}
