//! What must hold for any bytes that are taken for messages of JSON-RPC: what was read can be written, and is read again as the same.

use brummer::wire::jsonrpc::{
    Message, is_batch, parse, parse_batch, write_error, write_notification, write_request, write_result,
};

/// A message that is read is the same after it was written; what is refused says why.
pub(crate) fn jsonrpc(data: &[u8]) {
    match parse(data) {
        Ok(message) => {
            let written = written(&message);
            let again =
                parse(&written).unwrap_or_else(|fault| panic!("{fault}: {}", String::from_utf8_lossy(&written)));
            assert_eq!(format!("{again:?}"), format!("{message:?}"));
        }
        Err(fault) => assert!(!fault.message.is_empty() && (-32700..=-32600).contains(&fault.code), "{fault}"),
    }
    if let Ok(parts) = parse_batch(data) {
        assert!(is_batch(data) && !parts.is_empty());
    }
}

fn written(message: &Message<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    match message {
        Message::Request { id, method, params } => write_request(id, method, params.map(|raw| raw.get()), &mut out),
        Message::Notification { method, params } => write_notification(method, params.map(|raw| raw.get()), &mut out),
        Message::Response { id: Some(id), outcome: Ok(result) } => write_result(id, result.get(), &mut out),
        Message::Response { id: None, outcome: Ok(_) } => unreachable!("a result has an id"),
        Message::Response { id, outcome: Err(failure) } => {
            let data = failure.data.map(|raw| raw.get());
            write_error(id.as_ref(), failure.code, &failure.message, data, &mut out);
        }
    }
    out
}
