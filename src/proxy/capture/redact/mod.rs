//! Secrets, masked: everything that is shown, copied or exported goes through [`masked`], unless the user asks for the secrets.
//!
//! A mask keeps the kind and the length: `Bearer ‹masked:43›`, `sid=‹masked:32›; Path=/`.
//! `names` says which names mean a secret, `fields` masks headers, URLs and forms, `text` bodies, `whole` an exchange, and
//! `variable` says which variables of an environment are secrets.

mod fields;
mod names;
mod text;
mod variable;
mod whole;

pub use fields::{header, url};
pub use names::is_secret_name;
pub use variable::is_secret_variable;
pub use whole::masked;

pub(super) use text::body_text;
pub use text::loose as free_text;

/// Whether secrets are to be seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Secrets {
    /// As masks.
    #[default]
    Masked,
    /// As they are: somebody asked for it.
    Shown,
}

/// What stands in the place of a secret.
pub(crate) fn mask(secret: &str) -> String {
    // One that is masked already keeps its mask: its length is that of the secret.
    if secret.starts_with('‹') && secret.ends_with('›') && secret[3..].starts_with("masked:") {
        return secret.to_owned();
    }
    format!("‹masked:{}›", secret.chars().count())
}
