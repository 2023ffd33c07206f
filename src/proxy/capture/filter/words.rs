//! The filter words: one table, of which the parser, its errors and the help are made.

/// A filter word.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// Without its tilde.
    pub name: &'static str,
    /// What stands behind it.
    pub takes: Takes,
    /// What it finds.
    pub meaning: &'static str,
}

/// What stands behind a filter word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing(Is),
    /// A regular expression, in which case does not count.
    Regex(Of),
    /// `404`, `4xx`, `400-499`, `>=400`.
    Status,
    /// `500ms`, `2s`.
    Duration,
    /// `800`, `10k`, `2m`.
    Size,
}

impl Takes {
    /// What is to be written there, for help and errors.
    pub fn describe(self) -> &'static str {
        match self {
            Takes::Nothing(_) => "",
            Takes::Regex(_) => "REGEX",
            Takes::Status => "404, 4xx, 400-499 or >=400",
            Takes::Duration => "500ms or 2s",
            Takes::Size => "800, 10k or 2m",
        }
    }
}

/// What a word without argument asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Is {
    /// Everything.
    Anything,
    /// A script, a style sheet, an image, a font, by its media type.
    Asset,
    /// A failure, or a status of 400 or above.
    Error,
    /// Without an answer so far.
    Unanswered,
    /// With an answer.
    Answered,
    /// A WebSocket.
    WebSocket,
    /// Server-sent events.
    EventStream,
    /// A blind tunnel.
    Tunnel,
    /// Sent by Brummer itself, again.
    Replay,
}

/// What a regular expression is looked for in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// The URL.
    Url,
    /// The method.
    Method,
    /// The host of the URL.
    Host,
    /// The name of the process whose server answers.
    Process,
    /// The name of the program that asked.
    Caller,
    /// The media type, of the request or of the answer.
    Type(Half),
    /// A header, as `Name: value`.
    Header(Half),
    /// A body, decompressed, or a message.
    Body(Half),
}

/// Which half of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Half {
    /// What was asked.
    Request,
    /// What was answered.
    Response,
    /// Either.
    Either,
}

impl Half {
    pub(super) fn has_request(self) -> bool {
        self != Half::Response
    }

    pub(super) fn has_response(self) -> bool {
        self != Half::Request
    }
}

const fn word(name: &'static str, takes: Takes, meaning: &'static str) -> Word {
    Word { name, takes, meaning }
}

/// All of them.
pub const WORDS: &[Word] = &[
    word("u", Takes::Regex(Of::Url), "URL; a word without a tilde means the same"),
    word("m", Takes::Regex(Of::Method), "method"),
    word("c", Takes::Status, "status"),
    word("d", Takes::Regex(Of::Host), "host of the URL"),
    word("p", Takes::Regex(Of::Process), "process whose server answers"),
    word("from", Takes::Regex(Of::Caller), "program that asked"),
    word("h", Takes::Regex(Of::Header(Half::Either)), "header, as `Name: value`"),
    word("hq", Takes::Regex(Of::Header(Half::Request)), "header of the request"),
    word("hs", Takes::Regex(Of::Header(Half::Response)), "header of the answer"),
    word("b", Takes::Regex(Of::Body(Half::Either)), "body, or message of a WebSocket or an event stream"),
    word("bq", Takes::Regex(Of::Body(Half::Request)), "body of the request, or message to the server"),
    word("bs", Takes::Regex(Of::Body(Half::Response)), "body of the answer, or message from the server"),
    word("t", Takes::Regex(Of::Type(Half::Either)), "media type"),
    word("tq", Takes::Regex(Of::Type(Half::Request)), "media type of the request"),
    word("ts", Takes::Regex(Of::Type(Half::Response)), "media type of the answer"),
    word("q", Takes::Nothing(Is::Unanswered), "no answer so far"),
    word("s", Takes::Nothing(Is::Answered), "answered"),
    word("e", Takes::Nothing(Is::Error), "failed, or status 400 and above"),
    word("a", Takes::Nothing(Is::Asset), "asset: script, style sheet, image, font"),
    word("ws", Takes::Nothing(Is::WebSocket), "WebSocket"),
    word("websocket", Takes::Nothing(Is::WebSocket), "WebSocket"),
    word("sse", Takes::Nothing(Is::EventStream), "server-sent events"),
    word("tunnel", Takes::Nothing(Is::Tunnel), "blind tunnel"),
    word("replay", Takes::Nothing(Is::Replay), "sent again by Brummer"),
    word("slow", Takes::Duration, "took at least so long"),
    word("size", Takes::Size, "answer of at least so many bytes"),
    word("all", Takes::Nothing(Is::Anything), "everything"),
];
