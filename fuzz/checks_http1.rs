//! What must hold for any bytes that are taken for HTTP/1: one meaning however they are cut, and one for every reader.

use brummer::wire::http1::{
    ChunkHeader, Decoded, Decoder, Edit, Field, Forwarded, Framing, Kind, Known, Outgoing, Parsed, RequestHead,
    ResponseHead, Returned, encode_request, encode_response, parse_request, parse_response, plan_request,
    plan_response, request_framing, response_framing,
};

type Lines = (String, Vec<(String, Vec<u8>)>);

/// A second reader, as strict as the standard allows a recipient to be: the first line, the fields, and its length.
fn strict(bytes: &[u8]) -> Option<(Lines, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let mut lines = Vec::new();
    let mut rest = &bytes[..end + 2];
    while !rest.is_empty() {
        let at = rest.windows(2).position(|two| two == b"\r\n")?;
        lines.push(&rest[..at]);
        rest = &rest[at + 2..];
    }
    let is_text = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
    if !lines.iter().all(|line| line.iter().all(is_text)) {
        return None;
    }
    let first = String::from_utf8_lossy(lines.first()?).into_owned();
    let fields = lines[1..].iter().map(|line| strict_field(line)).collect::<Option<Vec<_>>>()?;
    Some(((first, fields), end + 4))
}

fn strict_field(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let name = &line[..colon];
    if name.is_empty() || !name.iter().all(is_token) {
        return None;
    }
    let mut value = &line[colon + 1..];
    while let [b' ' | b'\t', inner @ ..] | [inner @ .., b' ' | b'\t'] = value {
        value = inner;
    }
    Some((String::from_utf8_lossy(name).into_owned(), value.to_vec()))
}

fn fields<'a>(iter: impl Iterator<Item = Field<'a>>) -> Vec<(String, Vec<u8>)> {
    iter.map(|field| (field.name.to_owned(), field.value.to_vec())).collect()
}

fn named<'a>(lines: &'a Lines, name: &str) -> Vec<&'a [u8]> {
    let is = |field: &&(String, Vec<u8>)| field.0.eq_ignore_ascii_case(name);
    lines.1.iter().filter(is).map(|field| &field.1[..]).collect()
}

/// Parses `data` in pieces of `step` bytes, with all that came before in front of each, and says how that ended.
fn in_pieces<E>(data: &[u8], step: usize, mut parse: impl FnMut(&[u8]) -> Result<Parsed, E>) -> Result<Parsed, E> {
    let mut end = 0;
    loop {
        end = (end + step).min(data.len());
        match parse(&data[..end])? {
            Parsed::Partial if end < data.len() => {}
            done => return Ok(done),
        }
    }
}

/// What is written of a framing is what the next reader takes it for; no field for one hop alone has got through.
fn assert_framed(lines: &Lines, framing: Framing) {
    let (length, coding) = (named(lines, "content-length"), named(lines, "transfer-encoding"));
    match framing {
        Framing::Length(bytes) => assert_eq!((length, coding.len()), (vec![bytes.to_string().as_bytes()], 0)),
        Framing::Chunked => assert_eq!((length.len(), coding), (0, vec![&b"chunked"[..]])),
        Framing::None | Framing::UntilClose => assert_eq!((length.len(), coding.len()), (0, 0)),
    }
    for name in ["keep-alive", "proxy-connection", "proxy-authorization", "http2-settings"] {
        assert!(named(lines, name).is_empty(), "{name} got through");
    }
    assert!(named(lines, "connection").len() <= 1 && named(lines, "upgrade").iter().all(|one| *one == b"websocket"));
}

/// What we wrote is read as the same by httparse and by the strict second reader, to its last byte.
fn read_twice(out: &[u8], parsed: (httparse::Result<usize>, String, &[httparse::Header<'_>])) -> Lines {
    let (lines, bytes) = strict(out).unwrap_or_else(|| panic!("{:?}", String::from_utf8_lossy(out)));
    let (result, first, headers) = parsed;
    assert_eq!((result, bytes), (Ok(httparse::Status::Complete(out.len())), out.len()));
    let theirs: Vec<_> = headers.iter().map(|header| (header.name.to_owned(), header.value.to_vec())).collect();
    assert_eq!((&first, &theirs), (&lines.0, &lines.1));
    lines
}

/// A request is read as the same however it is cut, and what is forwarded of it is read as the same by everyone. The
/// first byte chooses the cut and the way it goes on.
pub(crate) fn http1_request(data: &[u8]) {
    let [choice, data @ ..] = data else { return };
    let step = 1 + usize::from(choice >> 3);
    let (mut head, mut other) = (RequestHead::default(), RequestHead::default());
    let whole = parse_request(data, &mut head);
    let cut = in_pieces(data, step, |bytes| parse_request(bytes, &mut other));
    match whole {
        Err(refusal) => return assert!(!matches!(cut, Ok(Parsed::Complete { .. })), "{refusal}"),
        Ok(parsed) => assert_eq!(cut, Ok(parsed)),
    }
    let Ok(Parsed::Complete { bytes }) = whole else { return };
    assert_eq!((head.method(), head.target()), (other.method(), other.target()));
    assert_eq!(fields(head.fields().iter()), fields(other.fields().iter()));
    let skipped = data.iter().take_while(|byte| b"\r\n".contains(byte)).count();
    let (received, used) = strict(&data[skipped..]).expect("what is accepted is strict");
    assert_eq!((received.1, used + skipped), (fields(head.fields().iter()), bytes));
    let Ok(plan) = plan_request(&head, "brummer") else { return };
    let forwarded = Forwarded { client: "127.0.0.1", host: "front", proto: "http" };
    let to = Outgoing {
        host: "up:1",
        path: None,
        via: (choice & 1 == 0).then_some("brummer"),
        forwarded: (choice & 2 == 0).then_some(forwarded),
        append: &[],
        close: choice & 4 == 0,
    };
    let mut out = Vec::new();
    encode_request(&head, &plan, &to, |_, _| Edit::Keep, &mut out);
    let mut room = [httparse::EMPTY_HEADER; 210];
    let mut second = httparse::Request::new(&mut room);
    let result = second.parse(&out);
    let first = format!("{} {} HTTP/1.1", second.method.unwrap_or_default(), second.path.unwrap_or_default());
    let lines = read_twice(&out, (result, first, second.headers));
    assert_framed(&lines, plan.framing);
    assert_eq!(named(&lines, "host"), [b"up:1"]);
    assert_eq!(named(&lines, "upgrade").len(), usize::from(plan.upgrade));
    if to.forwarded.is_some() {
        assert_eq!(named(&lines, "x-forwarded-for"), [b"127.0.0.1"]);
    }
    let mut again = RequestHead::default();
    if matches!(parse_request(&out, &mut again), Ok(Parsed::Complete { .. })) {
        assert_eq!(request_framing(&again), Ok(plan.framing));
        assert_eq!(plan_request(&again, "brummer").err().map(|refusal| refusal.status), to.via.map(|_| 508));
    }
}

/// A response is read as the same however it is cut, and what is returned of it is read as the same by everyone. The
/// first byte chooses the cut and the request that it answers.
pub(crate) fn http1_response(data: &[u8]) {
    const ASKED: [&[u8]; 4] = [
        b"GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n",
        b"HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n",
    ];
    let [choice, data @ ..] = data else { return };
    let step = 1 + usize::from(choice >> 2);
    let (mut head, mut other) = (ResponseHead::default(), ResponseHead::default());
    let whole = parse_response(data, &mut head);
    let cut = in_pieces(data, step, |bytes| parse_response(bytes, &mut other));
    match whole {
        Err(refusal) => return assert!(!matches!(cut, Ok(Parsed::Complete { .. })), "{refusal}"),
        Ok(parsed) => assert_eq!(cut, Ok(parsed)),
    }
    if whole == Ok(Parsed::Partial) {
        return;
    }
    assert_eq!(fields(head.fields().iter()), fields(other.fields().iter()));
    let mut asked = RequestHead::default();
    parse_request(ASKED[usize::from(choice & 3)], &mut asked).expect("a request");
    let asked = plan_request(&asked, "brummer").expect("a request");
    let Ok(plan) = plan_response(&head, &asked) else { return };
    let mut out = Vec::new();
    encode_response(&head, &plan, &Returned::default(), |_, _| Edit::Keep, &mut out);
    let mut room = [httparse::EMPTY_HEADER; 210];
    let mut second = httparse::Response::new(&mut room);
    let result = second.parse(&out);
    let first = format!("HTTP/1.1 {:03} {}", second.code.unwrap_or_default(), second.reason.unwrap_or_default());
    let lines = read_twice(&out, (result, first, second.headers));
    let mut again = ResponseHead::default();
    parse_response(&out, &mut again).expect("what we write is clear");
    if plan.kind == Kind::Final {
        assert_eq!(response_framing(&again, asked.method), Ok(plan.write));
        let told_by_status = plan.write == Framing::None;
        assert!(
            told_by_status || named(&lines, "content-length").len() + named(&lines, "transfer-encoding").len() <= 1
        );
        assert!(plan.keep_client || named(&lines, "connection") == [b"close"]);
    }
    if !matches!(plan.write, Framing::None) {
        assert_framed(&lines, plan.write);
    }
    assert!(lines.1.iter().all(|(name, _)| Known::of(name.as_bytes()) != Known::Proxy));
}

type Unchunked = (Vec<u8>, Vec<(String, Vec<u8>)>, usize);

fn unchunk(data: &[u8], step: usize) -> Result<Option<Unchunked>, u16> {
    let (mut decoder, mut body, mut at) = (Decoder::new(), Vec::new(), 0);
    for piece in data.chunks(step) {
        let mut piece = piece;
        while !piece.is_empty() {
            match decoder.decode(piece).map_err(|refusal| refusal.status)? {
                Decoded::Data { payload, used } => {
                    body.extend_from_slice(payload);
                    (piece, at) = (&piece[used..], at + used);
                }
                Decoded::More => (piece, at) = (&[], at + piece.len()),
                Decoded::End { used } => {
                    let mut trailers = Vec::new();
                    decoder.trailers().each(|field| trailers.push((field.name.to_owned(), field.value.to_vec())));
                    return Ok(Some((body, trailers, at + used)));
                }
            }
        }
    }
    Ok(None)
}

/// The second reader of chunks, which has all of them before it.
fn unchunk_strictly(mut data: &[u8]) -> Option<(Vec<u8>, usize)> {
    let whole = data.len();
    let mut body = Vec::new();
    loop {
        let Ok(httparse::Status::Complete((start, bytes))) = httparse::parse_chunk_size(data) else { return None };
        let (bytes, rest) = (usize::try_from(bytes).ok()?, &data[start..]);
        if bytes == 0 {
            let end =
                if rest.starts_with(b"\r\n") { 2 } else { rest.windows(4).position(|four| four == b"\r\n\r\n")? + 4 };
            return Some((body, whole - rest.len() + end));
        }
        body.extend_from_slice(rest.get(..bytes)?);
        data = rest[bytes..].strip_prefix(b"\r\n")?;
    }
}

/// A chunked body is the same however it is cut and whoever reads it, and so is what is written of it. The first byte
/// chooses the cut.
pub(crate) fn chunked(data: &[u8]) {
    let [choice, data @ ..] = data else { return };
    let whole = unchunk(data, data.len().max(1));
    assert_eq!(unchunk(data, 1 + usize::from(*choice)), whole);
    let Ok(Some((body, trailers, used))) = whole else { return };
    assert_eq!(unchunk_strictly(data), Some((body.clone(), used)));
    let mut out = Vec::new();
    for piece in body.chunks(1 + usize::from(choice >> 1)) {
        out.extend_from_slice(ChunkHeader::new(piece.len()).as_bytes());
        out.extend_from_slice(piece);
        out.extend_from_slice(b"\r\n");
    }
    let mut decoder = Decoder::new();
    let mut rest = data;
    while let Ok(Decoded::Data { used, .. }) = decoder.decode(rest) {
        rest = &rest[used..];
    }
    decoder.trailers().write_last_chunk(&mut out);
    assert_eq!(unchunk(&out, out.len()), Ok(Some((body.clone(), trailers, out.len()))));
    assert_eq!(unchunk_strictly(&out), Some((body, out.len())));
}
