//! How two answers differ: status, headers, and the lines of their bodies.

use std::collections::BTreeSet;
use std::time::Duration;

use super::decode::show;
use super::redact::{Secrets, masked};
use crate::proxy::Exchange;

/// Lines that one body may have to be compared.
const LINES_MAX: usize = 20_000;
/// Lines that may come or go before two bodies count as different altogether.
const EDITS_MAX: usize = 500;

/// A header that is not the same in both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeaderChange {
    /// Its name in lower case.
    pub name: String,
    /// Its values on the left.
    pub left: Vec<String>,
    /// Its values on the right.
    pub right: Vec<String>,
}

/// A line of two bodies that are laid over each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// In both.
    Same(String),
    /// On the left alone.
    Left(String),
    /// On the right alone.
    Right(String),
}

/// How two answers differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diff {
    /// The statuses, left and right.
    pub status: (Option<u16>, Option<u16>),
    /// The headers that are not the same; `Date` is never compared.
    pub headers: Vec<HeaderChange>,
    /// The lines of both bodies as they are shown.
    pub body: Vec<Line>,
    /// How long each took.
    pub duration: (Option<Duration>, Option<Duration>),
}

impl Diff {
    /// Whether the answers are the same but for their times.
    pub fn is_same(&self) -> bool {
        self.status.0 == self.status.1
            && self.headers.is_empty()
            && self.body.iter().all(|line| matches!(line, Line::Same(_)))
    }

    /// How many lines of the body went, and how many came.
    pub fn lines_changed(&self) -> (usize, usize) {
        let count = |wanted: fn(&&Line) -> bool| self.body.iter().filter(wanted).count();
        (count(|line| matches!(line, Line::Left(_))), count(|line| matches!(line, Line::Right(_))))
    }
}

/// Compares the answers of two exchanges as they are shown: decompressed, JSON set out.
pub fn diff(left: &Exchange, right: &Exchange, secrets: Secrets) -> Diff {
    if secrets == Secrets::Masked {
        return diff(&masked(left), &masked(right), Secrets::Shown);
    }
    let lines = |exchange: &Exchange| -> Vec<String> {
        let shown = show(&exchange.response.headers, &exchange.response.body);
        shown.text.lines().take(LINES_MAX).map(str::to_owned).collect()
    };
    Diff {
        status: (left.status, right.status),
        headers: headers(left, right),
        body: body(lines(left), lines(right)),
        duration: (left.duration(), right.duration()),
    }
}

fn headers(left: &Exchange, right: &Exchange) -> Vec<HeaderChange> {
    let (left, right) = (&left.response.headers, &right.response.headers);
    let names: BTreeSet<String> = left.iter().chain(right).map(|(name, _)| name.to_ascii_lowercase()).collect();
    let change = |name: String| {
        let left: Vec<_> = left.all(&name).map(|value| String::from_utf8_lossy(value).into_owned()).collect();
        let right: Vec<_> = right.all(&name).map(|value| String::from_utf8_lossy(value).into_owned()).collect();
        (left != right && name != "date").then_some(HeaderChange { name, left, right })
    };
    names.into_iter().filter_map(change).collect()
}

/// What begins and ends both is set aside; between it the shortest way from one to the other is looked for.
fn body(left: Vec<String>, right: Vec<String>) -> Vec<Line> {
    let front = left.iter().zip(&right).take_while(|(left, right)| left == right).count();
    let back = left[front..].iter().rev().zip(right[front..].iter().rev()).take_while(|(l, r)| l == r).count();
    let (old, new) = (&left[front..left.len() - back], &right[front..right.len() - back]);
    let middle = shortest_edit(old, new).unwrap_or_else(|| {
        let gone = old.iter().cloned().map(Line::Left);
        gone.chain(new.iter().cloned().map(Line::Right)).collect()
    });
    let same = |lines: &[String]| lines.iter().cloned().map(Line::Same).collect::<Vec<_>>();
    [same(&left[..front]), middle, same(&left[left.len() - back..])].concat()
}

/// Myers, "An O(ND) difference algorithm and its variations" (1986), figure 2, with the frontier of every round kept to walk
/// back on. `None` when it takes too many edits.
fn shortest_edit(old: &[String], new: &[String]) -> Option<Vec<Line>> {
    let (old_len, new_len) = (old.len() as isize, new.len() as isize);
    let mut frontiers: Vec<Vec<isize>> = Vec::new();
    // furthest[k + edits] is how far down the old text one gets on the diagonal k, the new text being at x - k.
    let mut furthest = vec![0isize; 3];
    for edits in 0..=(EDITS_MAX as isize).min(old_len + new_len) {
        let mut next = vec![0isize; 2 * edits as usize + 5];
        for k in (-edits..=edits).step_by(2) {
            let at = |k: isize| furthest.get((k + edits) as usize).copied().unwrap_or_default();
            let mut x = match edits {
                0 => 0,
                _ if k == -edits || (k != edits && at(k - 1) < at(k + 1)) => at(k + 1),
                _ => at(k - 1) + 1,
            };
            while x < old_len && x - k < new_len && old[x as usize] == new[(x - k) as usize] {
                x += 1;
            }
            next[(k + edits + 1) as usize] = x;
            if x >= old_len && x - k >= new_len {
                frontiers.push(furthest);
                return Some(walk_back(&frontiers, old, new));
            }
        }
        frontiers.push(std::mem::replace(&mut furthest, next));
    }
    None
}

/// From the end to the beginning, round by round.
fn walk_back(frontiers: &[Vec<isize>], old: &[String], new: &[String]) -> Vec<Line> {
    let (mut x, mut y) = (old.len() as isize, new.len() as isize);
    let mut lines = Vec::new();
    for (edits, furthest) in frontiers.iter().enumerate().rev() {
        let edits = edits as isize;
        let at = |k: isize| furthest.get((k + edits) as usize).copied().unwrap_or_default();
        let k = x - y;
        let (from_x, from_y) = match edits {
            0 => (0, 0),
            _ if k == -edits || (k != edits && at(k - 1) < at(k + 1)) => (at(k + 1), at(k + 1) - (k + 1)),
            _ => (at(k - 1), at(k - 1) - (k - 1)),
        };
        while x > from_x && y > from_y {
            (x, y) = (x - 1, y - 1);
            lines.push(Line::Same(old[x as usize].clone()));
        }
        if edits > 0 {
            lines.push(match x > from_x {
                true => Line::Left(old[from_x as usize].clone()),
                false => Line::Right(new[from_y as usize].clone()),
            });
            (x, y) = (from_x, from_y);
        }
    }
    lines.reverse();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proxy::capture::tests::{body as kept, exchange, headers as fields};
    use proptest::prelude::*;

    #[test]
    fn equal_answers_are_the_same_but_for_their_times() {
        let (left, mut right) = (exchange(1), exchange(2));
        right.phases.total = Some(Duration::from_millis(90));
        let diff = diff(&left, &right, Secrets::Masked);
        assert!(diff.is_same());
        assert_eq!(diff.duration, (Some(Duration::from_millis(40)), Some(Duration::from_millis(90))));
    }

    #[test]
    fn status_headers_and_lines_that_differ_are_told() {
        let (mut left, mut right) = (exchange(1), exchange(2));
        left.response.headers = fields(&[("Date", "1"), ("X-A", "1"), ("Set-Cookie", "sid=abc")]);
        right.response.headers = fields(&[("Date", "2"), ("x-a", "1"), ("x-a", "2"), ("Set-Cookie", "sid=xyz")]);
        left.response.body = kept(b"{\"a\":1,\"b\":2,\"c\":3}");
        right.response.body = kept(b"{\"a\":1,\"b\":5,\"c\":3}");
        right.status = Some(500);
        let told = diff(&left, &right, Secrets::Masked);
        assert_eq!(told.status, (Some(200), Some(500)));
        let change = HeaderChange { name: "x-a".into(), left: vec!["1".into()], right: vec!["1".into(), "2".into()] };
        assert_eq!(told.headers, [change]);
        let same = |text: &str| Line::Same(text.into());
        let lines = [
            same("{"),
            same("  \"a\": 1,"),
            Line::Left("  \"b\": 2,".into()),
            Line::Right("  \"b\": 5,".into()),
            same("  \"c\": 3"),
            same("}"),
        ];
        assert_eq!((told.lines_changed(), &told.body[..]), ((1, 1), &lines[..]));
        assert!(!told.is_same());
        assert_eq!(diff(&left, &right, Secrets::Shown).headers.len(), 2);
    }

    #[test]
    fn bodies_that_have_little_in_common_are_told_as_one_and_the_other() {
        let (mut left, mut right) = (exchange(1), exchange(2));
        left.response.headers = fields(&[("Content-Type", "text/plain")]);
        right.response.headers = left.response.headers.clone();
        let numbers = |from: u32| (from..from + 3000).map(|n| format!("{n}\n")).collect::<String>();
        (left.response.body, right.response.body) = (kept(numbers(0).as_bytes()), kept(numbers(10_000).as_bytes()));
        assert_eq!(diff(&left, &right, Secrets::Masked).lines_changed(), (3000, 3000));
    }

    proptest! {
        #[test]
        fn both_texts_can_be_told_from_the_lines_and_no_shorter_way_is_missed(
            left in prop::collection::vec("[abc]", 0..14), right in prop::collection::vec("[abc]", 0..14),
        ) {
            let lines = body(left.clone(), right.clone());
            let of = |side: fn(&Line) -> Option<&String>| lines.iter().filter_map(side).cloned().collect::<Vec<_>>();
            prop_assert_eq!(of(|line| match line { Line::Same(text) | Line::Left(text) => Some(text), Line::Right(_) => None }), left.clone());
            prop_assert_eq!(of(|line| match line { Line::Same(text) | Line::Right(text) => Some(text), Line::Left(_) => None }), right.clone());
            let same = lines.iter().filter(|line| matches!(line, Line::Same(_))).count();
            prop_assert_eq!(same, longest_common(&left, &right));
        }
    }

    /// The length of the longest common subsequence, by the textbook.
    fn longest_common(left: &[String], right: &[String]) -> usize {
        let mut row = vec![0; right.len() + 1];
        for a in left {
            let mut diagonal = 0;
            for (at, b) in right.iter().enumerate() {
                let above = row[at + 1];
                row[at + 1] = if a == b { diagonal + 1 } else { row[at].max(above) };
                diagonal = above;
            }
        }
        row[right.len()]
    }
}
