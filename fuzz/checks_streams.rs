//! What must hold for any bytes that are taken for WebSocket frames or server-sent events: one meaning however they are cut.

use brummer::wire::sse::{EventStream, write_event};
use brummer::wire::websocket::{FrameHeader, Opcode, Server, Sniffer};

/// However the bytes are cut, the same messages are seen, and our own server reads and answers the same. The first byte
/// chooses the cut.
pub(crate) fn websocket(data: &[u8]) {
    let [choice, data @ ..] = data else { return };
    let step = 1 + usize::from(choice >> 1);
    if let Ok(Some((header, bytes))) = FrameHeader::parse(data) {
        let mut out = Vec::new();
        header.write(&mut out);
        assert_eq!(out, data[..bytes]);
    }
    let sniff = |step: usize| {
        let (mut sniffer, mut seen) = (Sniffer::new(20), Vec::new());
        for piece in data.chunks(step) {
            sniffer.feed(piece, |one| {
                assert!(
                    one.kept.len() <= 20 && one.kept.len() as u64 <= one.bytes && one.opcode != Opcode::Continuation
                );
                seen.push((one.opcode, one.kept.to_vec(), one.bytes, one.compressed));
            });
        }
        (seen, sniffer.lost())
    };
    assert_eq!(sniff(step), sniff(data.len().max(1)));
    let talk = |step: usize| {
        let (mut server, mut texts, mut out) = (Server::new(1000), Vec::new(), Vec::new());
        let read = |piece| server.read(piece, &mut out, |text| texts.push(text.to_owned()));
        let closed = data.chunks(step).map(read).find_map(Result::err);
        (texts, out, closed)
    };
    let (texts, out, closed) = talk(data.len().max(1));
    assert!(texts.iter().all(|text| text.len() <= 1000));
    assert_eq!(talk(step), (texts, out.clone(), closed));
    let mut sniffer = Sniffer::new(20);
    let mut answers = 0;
    sniffer.feed(&out, |seen| answers += usize::from(matches!(seen.opcode, Opcode::Pong | Opcode::Close)));
    assert!(sniffer.lost().is_none() && answers >= usize::from(closed.is_some()));
}

type Event = (Vec<u8>, Vec<u8>, Vec<u8>);

/// The parsing rules of the standard, word for word, over the whole stream.
fn by_the_book(data: &[u8]) -> Vec<Event> {
    let data = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
    let (mut events, mut line, mut rest) = (Vec::new(), Vec::new(), data.iter().copied().peekable());
    let (mut kind, mut id, mut text) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(byte) = rest.next() {
        if byte != b'\r' && byte != b'\n' {
            line.push(byte);
            continue;
        }
        if byte == b'\r' {
            rest.next_if_eq(&b'\n');
        }
        let line = std::mem::take(&mut line);
        if line.is_empty() {
            if text.pop().is_some() {
                let name = if kind.is_empty() { b"message".to_vec() } else { kind.clone() };
                events.push((name, id.clone(), text.clone()));
            }
            kind.clear();
            text.clear();
            continue;
        }
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let (name, value) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        let value = value.strip_prefix(b" ").unwrap_or(value).to_vec();
        match name {
            b"event" => kind = value,
            b"id" if !value.contains(&0) => id = value,
            b"data" => text.extend(value.iter().chain(b"\n")),
            _ => {}
        }
    }
    events
}

/// However the bytes are cut, the events are those of the standard, and written out they are read again. The first byte
/// chooses the cut.
pub(crate) fn sse(data: &[u8]) {
    let [choice, data @ ..] = data else { return };
    let read = |data: &[u8], step: usize, keep: usize| {
        let (mut stream, mut events) = (EventStream::new(keep), Vec::new());
        for piece in data.chunks(step) {
            stream.feed(piece, |event| {
                assert!(event.kept.len() <= keep && event.kept.len() as u64 == event.bytes.min(keep as u64));
                events.push((event.kind.to_vec(), event.id.to_vec(), event.kept.to_vec()));
            });
        }
        events
    };
    let events = read(data, 1 + usize::from(*choice), data.len());
    if data.len() <= 256 {
        assert_eq!(events, by_the_book(data));
    }
    let short = |(kind, id, kept): &Event| (kind.clone(), id.clone(), kept[..kept.len().min(7)].to_vec());
    assert_eq!(read(data, data.len().max(1), 7), events.iter().map(short).collect::<Vec<_>>());
    let (mut out, mut want) = (Vec::new(), Vec::new());
    for (kind, id, kept) in &events {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (kind, id, kept) = (text(kind), text(id), text(kept));
        write_event(Some(&kind), Some(&id), &kept, &mut out);
        want.push((kind.into_bytes(), id.into_bytes(), kept.into_bytes()));
    }
    if want.iter().all(|(kind, id, _)| kind.len() <= 256 && id.len() <= 256) {
        assert_eq!(read(&out, out.len().max(1), out.len()), want);
    }
}
