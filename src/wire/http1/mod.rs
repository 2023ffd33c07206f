//! HTTP/1.1 for an intermediary: heads are read strictly and written anew, never relayed; bodies are framed once.
//!
//! Read in this order: [`head`] (bytes to a request or a response), [`fields`] (what stands in a head), [`refusal`]
//! (why it is none), [`framing`] (where the body ends), [`forward`] (what may go on to the other side), [`encode`]
//! (writing it), [`chunked`] (bodies in chunks).
//!
//! Nothing here allocates for a request once its buffers have grown: heads and output are reused.

pub mod chunked;
pub mod encode;
pub mod fields;
pub mod forward;
pub mod framing;
pub mod head;
pub mod refusal;
mod target;

pub use chunked::{ChunkHeader, Decoded, Decoder, Trailers};
pub use encode::{Edit, Forwarded, Outgoing, Returned, encode_request, encode_response};
pub use fields::{Connection, Field, Fields, Known, split_authority, tokens};
pub use forward::{Kind, RequestPlan, ResponsePlan, plan_request, plan_response};
pub use framing::{Framing, has_no_body, request_framing, response_framing};
pub use head::{
    FIELDS_MAX, HEAD_BYTES_MAX, Method, Parsed, RequestHead, ResponseHead, TARGET_BYTES_MAX, TargetForm, Version,
    parse_request, parse_response,
};
pub use refusal::{Refusal, phrase, refusal_answer};
