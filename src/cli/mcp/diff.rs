//! Shows what changes in a file: the lines that go and come, with a few around them.

/// Lines that are shown around a change.
const AROUND: usize = 3;

/// The change as lines that begin with ` `, `-` or `+`. There is one change at most: all that is equal at both ends is left out.
pub(super) fn diff(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let start = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - start;
    let end = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let mut out = String::new();
    let mut put = |mark: &str, lines: &[&str]| lines.iter().for_each(|line| out += &format!("{mark} {line}\n"));
    put(" ", &old[start.saturating_sub(AROUND)..start]);
    put("-", &old[start..old.len() - end]);
    put("+", &new[start..new.len() - end]);
    put(" ", &old[old.len() - end..(old.len() - end + AROUND).min(old.len())]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_change_is_shown_with_the_lines_around_it() {
        assert_eq!(diff("a\nb\nc\nd\ne\n", "a\nb\nc\nd\nX\ne\n"), "  b\n  c\n  d\n+ X\n  e\n");
        assert_eq!(diff("a\n", "b\n"), "- a\n+ b\n");
        assert_eq!(diff("", "a\n"), "+ a\n");
        assert_eq!(diff("a\na\n", "a\n"), "  a\n- a\n");
        assert_eq!(diff("a", "a"), "  a\n");
    }
}
