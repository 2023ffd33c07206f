//! Bytes and the screens that they make.

use proptest::prelude::*;

use super::{Cell, Color, Emulator, Look, Modes, Mouse, Picture, Watch};

fn shown(columns: u16, rows: u16, bytes: &[u8]) -> Picture {
    let mut emulator = Emulator::new(columns, rows);
    emulator.feed(bytes);
    emulator.picture(0)
}

fn rows(columns: u16, rows: u16, bytes: &[u8]) -> Vec<String> {
    let picture = shown(columns, rows, bytes);
    picture.rows.iter().map(|row| row.text(0, columns.into())).collect()
}

#[test]
fn lines_are_written_below_each_other_and_scroll_into_the_history() {
    let mut emulator = Emulator::new(10, 3);
    emulator.feed(b"one\ntwo\r\nthree\nfour\n");
    let seen = |offset| -> Vec<String> { emulator.picture(offset).rows.iter().map(|row| row.text(0, 10)).collect() };
    assert_eq!(seen(0), ["three", "four", ""]);
    assert_eq!(seen(1), ["two", "three", "four"]);
    assert_eq!(seen(9), ["one", "two", "three"]);
    assert_eq!((emulator.picture(9).history, emulator.picture(9).offset, emulator.scrolled()), (2, 2, 2));
    assert_eq!(emulator.picture(0).cursor, Some((0, 2)));
    assert_eq!(emulator.picture(1).cursor, None);
}

#[test]
fn a_long_line_is_wrapped_and_copied_as_one() {
    let picture = shown(5, 3, b"hello wide world");
    let of = |at: usize| picture.rows[at].text(0, 5);
    assert_eq!((of(0), of(1), of(2)), (" wide".into(), " worl".into(), "d".into()));
    let whole = shown(5, 5, b"hello wide world\nnext");
    assert_eq!(whole.all_text(), "hello wide world\nnext\n");
    assert_eq!(whole.text((3, 1), (1, 0)), "ello wid".to_owned());
}

#[test]
fn wide_letters_marks_and_halves() {
    assert_eq!(rows(6, 2, "漢字e\u{301}".as_bytes())[0], "漢字e\u{301}");
    assert_eq!(rows(3, 2, "a漢字".as_bytes()), ["a漢", "字"]);
    // Half of a wide letter overwritten: the other half is blank.
    assert_eq!(rows(6, 1, "漢字\x1b[1;2Hx".as_bytes())[0], " x字");
    assert_eq!(rows(6, 1, "漢字\x1b[1;2H\x1b[K".as_bytes())[0], "");
    let wide: Cell = shown(6, 1, "漢".as_bytes()).rows[0].cell(0);
    assert_eq!((wide.width(), wide.plain()), (2, Some('漢')));
}

#[test]
fn direction_marks_and_controls_are_not_kept() {
    assert_eq!(rows(10, 1, "a\u{202e}b\u{200f}c\u{9b}d".as_bytes())[0].replace(' ', ""), "abcd");
}

#[test]
fn full_screen_programs_draw_where_they_want() {
    let bytes = b"shell$ vi\n\x1b[?1049h\x1b[2J\x1b[2;3Hhere\x1b[1;1H\x1b(0lqk\x1b(B\x1b[3;1Hx\x1b[3b";
    assert_eq!(rows(10, 3, bytes), ["┌─┐", "  here", "xxxx"]);
    assert_eq!(rows(10, 3, &[bytes, &b"\x1b[?1049l"[..]].concat())[0], "shell$ vi");
    let region = b"a\nb\nc\nd\x1b[2;3r\x1b[3;1H\nnew\x1b[r";
    assert_eq!(rows(5, 4, region), ["a", "c", "new", "d"]);
    assert_eq!(rows(5, 4, b"a\nb\nc\x1b[2;1H\x1b[Lnew"), ["a", "new", "b", "c"]);
    assert_eq!(rows(5, 4, b"a\nb\nc\x1b[1;1H\x1b[M"), ["b", "c", "", ""]);
    assert_eq!(rows(5, 1, b"abcde\x1b[1;2H\x1b[2P\x1b[1@"), ["a de"]);
    assert_eq!(rows(10, 1, b"a\tb\x1b[1;3H\x1b[4hx\x1b[4l"), ["a x      b"]);
}

#[test]
fn a_line_feed_of_a_raw_terminal_keeps_the_column_on_the_alternate_screen() {
    let mut emulator = Emulator::new(5, 2);
    emulator.set_raw(true);
    emulator.feed(b"\x1b[?1049hab\nc");
    assert_eq!(emulator.picture(0).rows[1].text(0, 5), "  c");
    emulator.set_raw(false);
    emulator.feed(b"\x1b[2J\x1b[Hab\nc");
    assert_eq!(emulator.picture(0).rows[1].text(0, 5), "c");
}

#[test]
fn colours_and_looks() {
    let picture = shown(5, 1, b"\x1b[1;31;48;5;200ma\x1b[0;38;2;1;2;3;7mb\x1b[mc");
    let look = |at| picture.rows[0].cell(at).look();
    assert_eq!(look(0), Look { fg: Color::Indexed(1), bg: Color::Indexed(200), flags: Look::BOLD });
    assert_eq!(look(1), Look { fg: Color::Rgb(1, 2, 3), bg: Color::Default, flags: Look::REVERSE });
    assert_eq!(look(2), Look::default());
}

#[test]
fn questions_are_answered_only_where_the_child_cannot_choose_the_answer() {
    let answers = |bytes: &[u8]| {
        let mut emulator = Emulator::new(20, 5);
        emulator.feed(bytes);
        String::from_utf8(emulator.take_answers()).unwrap()
    };
    assert_eq!(answers(b"ab\x1b[6n\x1b[5n\x1b[c"), "\x1b[1;3R\x1b[0n\x1b[?62;22c");
    assert_eq!(answers(b"\x1b[?2004h\x1b[?2004$p\x1b[?4711$p\x1b[18t"), "\x1b[?2004;1$y\x1b[?4711;0$y\x1b[8;5;20t");
    // Titles, the clipboard and the palette stay unanswered.
    assert_eq!(
        answers(b"\x1b]2;rm -rf /\x07\x1b[21t\x1b]52;c;?\x07\x1b]4;1;?\x07\x1b]10;?\x07\x1b[?u\x1bP+q544e\x1b\\"),
        ""
    );
    assert!(answers(&b"\x1b[6n".repeat(100_000)).len() <= 4096);
}

#[test]
fn a_title_is_cleaned_and_cut() {
    let title = |bytes: &[u8]| shown(20, 2, bytes).title.to_string();
    assert_eq!(title("\x1b]0;vim \u{202e}a\x07".as_bytes()), "vim a");
    assert_eq!(title(&[b"\x1b]2;", &[b'x'; 500][..], b"\x1b\\"].concat()).len(), 120);
}

#[test]
fn another_size_keeps_what_was_written() {
    let mut emulator = Emulator::new(10, 4);
    emulator.feed(b"one\ntwo\nthree\nfour");
    emulator.resize(10, 2);
    assert_eq!(emulator.picture(0).rows.iter().map(|row| row.text(0, 10)).collect::<Vec<_>>(), ["three", "four"]);
    emulator.resize(3, 4);
    assert_eq!(
        emulator.picture(0).rows.iter().map(|row| row.text(0, 3)).collect::<Vec<_>>(),
        ["one", "two", "thr", "fou"]
    );
    emulator.resize(10, 4);
    assert_eq!(emulator.picture(0).rows[2].text(0, 10), "three");
    assert_eq!(emulator.picture(0).cursor, Some((2, 3)), "the cursor was at the edge");
}

#[test]
fn the_modes_are_followed_however_the_bytes_are_cut() {
    let bytes = b"a\x1b[?1049;1h\x1b[?1002h\x1b[?1006hb\x1b[31m\x1b[?25l\x1b[?2004h";
    let expected = Modes {
        alternate: true,
        cursor_keys: true,
        mouse: Mouse::Drags,
        sgr_mouse: true,
        hidden_cursor: true,
        bracketed_paste: true,
        ..Modes::default()
    };
    for size in 1..bytes.len() {
        let mut watch = Watch::default();
        bytes.chunks(size).for_each(|chunk| watch.feed(chunk));
        assert_eq!(watch.modes(), expected, "{size}");
    }
    let mut emulator = Emulator::new(10, 3);
    emulator.begin(expected);
    assert_eq!(emulator.modes(), expected);
    emulator.catch_up(Modes::default());
    assert_eq!(emulator.modes(), Modes::default());
}

fn piece() -> impl Strategy<Value = Vec<u8>> {
    let number = prop_oneof![0_u32..12, Just(0), 0_u32..70_000];
    let sequence = (prop::collection::vec(number, 0..4), "[@A-Za-z`]", prop_oneof![Just(""), Just("?"), Just(">")]);
    prop_oneof![
        3 => "[a-z \\n\\r\\t\\x08]{0,20}".prop_map(String::into_bytes),
        2 => "\\PC{0,10}".prop_map(String::into_bytes),
        4 => sequence.prop_map(|(numbers, last, kind)| {
            let numbers: Vec<String> = numbers.iter().map(ToString::to_string).collect();
            format!("\x1b[{kind}{}{last}", numbers.join(";")).into_bytes()
        }),
        1 => prop::sample::select(vec![1049, 47, 1047, 1048, 6, 7, 25, 2026, 1000, 1004]).prop_flat_map(|mode| {
            prop::sample::select(vec!['h', 'l']).prop_map(move |last| format!("\x1b[?{mode}{last}").into_bytes())
        }),
        1 => "\x1b[\\x20-\\x7e]{1,3}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ]
}

#[derive(Clone, Debug)]
enum Step {
    Feed(Vec<u8>),
    Resize(u16, u16),
    CatchUp,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => piece().prop_map(Step::Feed),
        1 => (0_u16..30, 0_u16..12).prop_map(|(columns, rows)| Step::Resize(columns, rows)),
        1 => Just(Step::CatchUp),
    ]
}

proptest! {
    #[test]
    fn whatever_a_child_writes_the_screen_is_whole(steps in prop::collection::vec(step(), 0..40), offset in 0_usize..20) {
        let mut emulator = Emulator::new(12, 5);
        let mut size = (12, 5);
        let mut watch = Watch::default();
        for step in steps {
            match step {
                Step::Feed(bytes) => {
                    watch.feed(&bytes);
                    emulator.feed(&bytes);
                }
                Step::Resize(columns, rows) => {
                    emulator.resize(columns, rows);
                    size = (columns.max(2), rows.max(1));
                }
                Step::CatchUp => emulator.catch_up(watch.modes()),
            }
            let picture = emulator.picture(offset);
            prop_assert_eq!((picture.columns, picture.rows.len() as u16), size);
            prop_assert!(picture.cursor.is_none_or(|(x, y)| x < size.0 && y < size.1));
            let text = picture.all_text();
            prop_assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{:?}", text);
            for row in &picture.rows {
                for x in 0..usize::from(size.0) {
                    // Behind a wide letter there is its other half, and nowhere else.
                    let behind = x > 0 && row.cell(x - 1).width() == 2;
                    prop_assert_eq!(row.cell(x).width() == 0, behind, "{:?}", row);
                }
            }
        }
    }
}
