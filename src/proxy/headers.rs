//! Header fields as they were received, in one block of memory: a head costs one allocation, a copy of it none.

use std::fmt;
use std::sync::Arc;

/// Header fields in order; names keep their case, values their bytes.
///
/// Thread safety: `Send + Sync`, immutable. Progress: wait-free. Waits: none. Cleanup: the last clone frees the block.
///
/// ```
/// use brummer::proxy::Headers;
///
/// let headers: Headers = [("Host", "localhost:5173"), ("Accept", "*/*")].into_iter().collect();
/// assert_eq!(headers.get("host"), Some(&b"localhost:5173"[..]));
/// assert_eq!(headers.iter().count(), 2);
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// For each field: the length of its name and of its value, four bytes each, then the name and the value.
    block: Arc<[u8]>,
}

impl Headers {
    /// The fields, in order.
    pub fn iter(&self) -> Fields<'_> {
        Fields { rest: &self.block }
    }

    /// The value of the first field of this name, in whatever case.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.iter().find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The value of the first field of this name, if it is UTF-8.
    pub fn text(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.get(name)?).ok()
    }

    /// The values of all fields of this name, in whatever case.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + 'a {
        self.iter().filter(move |(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.block.is_empty()
    }

    /// What they take in memory.
    pub fn bytes(&self) -> usize {
        self.block.len()
    }
}

impl<'a> IntoIterator for &'a Headers {
    type Item = (&'a str, &'a [u8]);
    type IntoIter = Fields<'a>;

    fn into_iter(self) -> Fields<'a> {
        self.iter()
    }
}

impl<N: AsRef<str>, V: AsRef<[u8]>> FromIterator<(N, V)> for Headers {
    fn from_iter<T: IntoIterator<Item = (N, V)>>(fields: T) -> Headers {
        let mut buffer = HeaderBuffer::default();
        fields.into_iter().for_each(|(name, value)| buffer.push(name.as_ref(), value.as_ref()));
        buffer.take()
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter().map(|(name, value)| (name, String::from_utf8_lossy(value)))).finish()
    }
}

/// The iterator of [`Headers::iter`].
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = (&'a str, &'a [u8]);

    fn next(&mut self) -> Option<(&'a str, &'a [u8])> {
        let (name_len, rest) = self.rest.split_first_chunk::<4>()?;
        let (value_len, rest) = rest.split_first_chunk::<4>()?;
        let (name, rest) = rest.split_at_checked(u32::from_le_bytes(*name_len) as usize)?;
        let (value, rest) = rest.split_at_checked(u32::from_le_bytes(*value_len) as usize)?;
        self.rest = rest;
        Some((std::str::from_utf8(name).ok()?, value))
    }
}

/// Where heads are gathered: it keeps its memory from one head to the next.
#[derive(Clone, Debug, Default)]
pub struct HeaderBuffer {
    block: Vec<u8>,
}

impl HeaderBuffer {
    /// Adds a field. One of 4 GiB and more is left out.
    pub fn push(&mut self, name: &str, value: &[u8]) {
        let (Ok(name_len), Ok(value_len)) = (u32::try_from(name.len()), u32::try_from(value.len())) else { return };
        self.block.extend_from_slice(&name_len.to_le_bytes());
        self.block.extend_from_slice(&value_len.to_le_bytes());
        self.block.extend_from_slice(name.as_bytes());
        self.block.extend_from_slice(value);
    }

    /// What was gathered; the buffer is empty then.
    pub fn take(&mut self) -> Headers {
        let headers = Headers { block: Arc::from(&self.block[..]) };
        self.block.clear();
        headers
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_buffer_is_empty_after_its_head_was_taken() {
        let mut buffer = HeaderBuffer::default();
        buffer.push("A", b"1");
        let first = buffer.take();
        buffer.push("B", b"\xff");
        let second = buffer.take();
        assert_eq!(first.iter().collect::<Vec<_>>(), [("A", &b"1"[..])]);
        assert_eq!((second.get("b"), second.text("b"), second.get("a")), (Some(&b"\xff"[..]), None, None));
        assert!(buffer.take().is_empty());
    }

    proptest! {
        #[test]
        fn fields_come_out_as_they_went_in(fields: Vec<(String, Vec<u8>)>) {
            let headers: Headers = fields.iter().map(|(name, value)| (name, value)).collect();
            let out: Vec<_> = headers.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
            prop_assert_eq!(out, fields);
        }
    }
}
