//! QR codes: the modules of a text, and how many cells of the screen they take.

use qrcodegen::{QrCode, QrCodeEcc};

/// The rim of light modules that readers want around a code, and the smallest that they still get by with.
const QUIET: [u16; 2] = [4, 2];

/// What a code says, who can open it, and the code.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Card {
    /// The URL that was asked for.
    pub(crate) of: String,
    /// The URL in the code: where it can be, the one that other devices can open.
    pub(crate) says: String,
    /// Who can open it, in a few words.
    pub(crate) who: &'static str,
    /// None: no code holds so much.
    pub(crate) code: Option<Code>,
}

/// The modules of a code.
#[derive(Clone, PartialEq)]
pub(crate) struct Code {
    side: u16,
    dark: Vec<bool>,
}

impl std::fmt::Debug for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Code({0}×{0})", self.side)
    }
}

impl Code {
    /// The smallest code of a text; none for one that is too long for any. Where there is room left in it, it is used
    /// for a higher level of correction.
    pub(crate) fn of(text: &str) -> Option<Code> {
        let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
        let side = code.size();
        let dark = (0..side).flat_map(|y| (0..side).map(move |x| (x, y))).map(|(x, y)| code.get_module(x, y));
        Some(Code { side: side as u16, dark: dark.collect() })
    }

    /// Whether the module at this place is dark; outside of the code none is.
    pub(crate) fn is_dark(&self, x: i32, y: i32) -> bool {
        let inside = 0..i32::from(self.side);
        inside.contains(&x) && inside.contains(&y) && self.dark[(y * i32::from(self.side) + x) as usize]
    }

    /// Columns and rows of the screen that it takes with a rim of so many modules. Two modules stand above each other in a
    /// cell; where only ASCII may be drawn, a module is two cells beside each other.
    pub(crate) fn cells(&self, quiet: u16, ascii: bool) -> (u16, u16) {
        let side = self.side + 2 * quiet;
        if ascii { (2 * side, side) } else { (side, side.div_ceil(2)) }
    }

    /// The widest rim with which it fits into so many columns and rows.
    pub(crate) fn rim_within(&self, (columns, rows): (u16, u16), ascii: bool) -> Option<u16> {
        QUIET.into_iter().find(|quiet| {
            let cells = self.cells(*quiet, ascii);
            cells.0 <= columns && cells.1 <= rows
        })
    }

    /// The columns and rows that it takes at least.
    pub(crate) fn least(&self, ascii: bool) -> (u16, u16) {
        self.cells(QUIET[1], ascii)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_url_takes_few_cells_and_an_endless_one_has_no_code() {
        let code = Code::of("http://192.168.1.20:20888/").unwrap();
        assert_eq!((code.least(false), code.cells(4, false)), ((29, 15), (33, 17)));
        assert_eq!(code.cells(4, true), (66, 33));
        assert_eq!(code.rim_within((33, 17), false), Some(4));
        assert_eq!(code.rim_within((32, 17), false), Some(2));
        assert_eq!(code.rim_within((80, 14), false), None);
        assert_eq!(Code::of(&"x".repeat(3000)), None);
    }

    #[test]
    fn nothing_outside_of_a_code_is_dark() {
        let code = Code::of("http://localhost:1").unwrap();
        // The corners but one hold the large squares that readers look for.
        assert!(code.is_dark(0, 0) && code.is_dark(i32::from(code.side) - 1, 0));
        let outside = [(-1, 0), (0, -1), (i32::from(code.side), 0), (0, i32::from(code.side))];
        for (x, y) in outside {
            assert!(!code.is_dark(x, y), "{x} {y}");
        }
    }
}
