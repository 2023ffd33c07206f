//! The resources of the suite, and their template.

use brummer::mcp::call::Call;
use brummer::mcp::protocol::{Contents, Item, Resource, ResourceResult, Template};

use crate::unknown;

pub(crate) fn all() -> Vec<Item> {
    let one = |uri: &str, mime_type: &str| {
        let name = uri.trim_start_matches("test://").to_owned();
        Item::from(&Resource { uri: uri.into(), name, mime_type: Some(mime_type.into()), ..Resource::default() })
    };
    vec![
        one("test://static-text", "text/plain"),
        one("test://static-binary", "image/png"),
        one("test://watched-resource", "text/plain"),
    ]
}

pub(crate) fn templates() -> Vec<Item> {
    vec![Item::from(&Template {
        uri_template: "test://template/{id}/data".into(),
        name: "template".into(),
        mime_type: Some("application/json".into()),
        ..Template::default()
    })]
}

pub(crate) fn read(call: Call) {
    let uri = call.name().to_owned();
    let contents = match &*uri {
        "test://static-text" => Contents::text(&*uri, "text/plain", "This is the content of the static text resource."),
        "test://static-binary" => Contents::blob(&*uri, "image/png", b"\x89PNG\r\n\x1a\n"),
        "test://watched-resource" => Contents::text(&*uri, "text/plain", "Watched resource content"),
        _ => match uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data")) {
            Some(id) => {
                let text = serde_json::json!({ "id": id, "templateTest": true, "data": format!("Data for ID: {id}") });
                Contents::text(&*uri, "application/json", text.to_string())
            }
            None => return unknown(call),
        },
    };
    call.finish(ResourceResult::live(contents));
}
