//! Secrets: names that cannot be guessed, and state that a client carries for us and cannot change.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use ring::rand::SystemRandom;

const MAC_BYTES: usize = 32;

/// A key that no other run of the program has, made when it is first needed.
#[derive(Default)]
pub(super) struct Seal {
    key: OnceLock<hmac::Key>,
    names: u64,
}

impl Seal {
    fn key(&self) -> &hmac::Key {
        let make = || hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new());
        self.key.get_or_init(|| make().expect("a system that runs programs has random numbers for them"))
    }

    /// A name that was never given before and cannot be guessed: 32 hexadecimal digits.
    pub(super) fn name(&mut self) -> String {
        self.names += 1;
        let tag = hmac::sign(self.key(), &[b"name", &self.names.to_be_bytes()[..]].concat());
        tag.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Seals `payload`, for whoever shows it together with the same `binding`, before `expires`.
    pub(super) fn seal(&self, binding: &[u8], expires: u64, payload: &[u8]) -> String {
        let mut sealed = expires.to_be_bytes().to_vec();
        sealed.extend_from_slice(self.mac(binding, expires, payload).as_ref());
        sealed.extend_from_slice(payload);
        URL_SAFE_NO_PAD.encode(sealed)
    }

    /// What was sealed; none if it was changed, belongs to something else, or is too old.
    pub(super) fn open(&self, binding: &[u8], now: u64, sealed: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        let (expires, rest) = bytes.split_first_chunk::<8>()?;
        let (mac, payload) = rest.split_at_checked(MAC_BYTES)?;
        let expires = u64::from_be_bytes(*expires);
        let message = message(binding, expires, payload);
        hmac::verify(self.key(), &message, mac).ok()?;
        (now < expires).then(|| payload.to_vec())
    }

    fn mac(&self, binding: &[u8], expires: u64, payload: &[u8]) -> hmac::Tag {
        hmac::sign(self.key(), &message(binding, expires, payload))
    }
}

fn message(binding: &[u8], expires: u64, payload: &[u8]) -> Vec<u8> {
    let length = (binding.len() as u64).to_be_bytes();
    [b"state", &length[..], binding, &expires.to_be_bytes()[..], payload].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_is_good_unchanged_in_its_place_and_in_time_only() {
        let seal = Seal::default();
        let sealed = seal.seal(b"tools/call x", 100, b"{}");
        assert_eq!(seal.open(b"tools/call x", 99, &sealed).as_deref(), Some(&b"{}"[..]));
        assert_eq!(seal.open(b"tools/call x", 100, &sealed), None, "too old");
        assert_eq!(seal.open(b"tools/call y", 99, &sealed), None, "of another call");
        assert_eq!(Seal::default().open(b"tools/call x", 99, &sealed), None, "of another server");
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(seal.open(b"tools/call x", 99, &URL_SAFE_NO_PAD.encode(changed)), None, "byte {at}");
        }
        for text in ["", "x", "====", &"A".repeat(20)] {
            assert_eq!(seal.open(b"tools/call x", 99, text), None, "{text}");
        }
    }

    #[test]
    fn names_differ() {
        let mut seal = Seal::default();
        let names: std::collections::BTreeSet<String> = (0..100).map(|_| seal.name()).collect();
        assert!(names.len() == 100 && names.iter().all(|name| name.len() == 32));
    }
}
