//! What the modern era asks beside: who asks stands in every request, and nothing is kept between them.

use std::sync::Arc;

use serde_json::json;
use serde_json::value::RawValue;

use super::core::Core;
use super::legacy::capabilities;
use super::methods::{Asked, Carrier, Done, Who};
use crate::io::net::Net;
use crate::mcp::call::TaskWork;
use crate::mcp::protocol::{CallError, Client, Era, Level, Version, code, meta};
use crate::wire::jsonrpc::Members;

/// The client of the request before: most likely also that of the next.
#[derive(Default)]
pub(super) struct Recent {
    info: Box<str>,
    capabilities: Box<str>,
    client: Arc<Client>,
}

impl Recent {
    fn client(&mut self, info: Option<&RawValue>, capabilities: &RawValue) -> Arc<Client> {
        let text = info.map_or("", RawValue::get);
        if *self.info != *text || *self.capabilities != *capabilities.get() {
            self.client = Arc::new(Client::of(info, Some(capabilities)));
            (self.info, self.capabilities) = (text.into(), capabilities.get().into());
        }
        Arc::clone(&self.client)
    }
}

impl Core {
    /// Who asks, by the request's `_meta`.
    pub(super) fn who_is(&mut self, meta: &Members<'_>) -> Result<Who, CallError> {
        let missing = |name: &str, what: &str| CallError::invalid_params(format!("`_meta` needs `{name}`, {what}."));
        let version = meta.text(meta::VERSION).ok_or_else(|| missing(meta::VERSION, "a string"))?;
        let version = Version::of(&version)
            .filter(|version| version.era() == Era::Modern)
            .ok_or_else(|| super::post::unsupported(&version))?;
        let capabilities = meta.get(meta::CAPABILITIES).filter(|raw| raw.get().starts_with('{'));
        let capabilities = capabilities.ok_or_else(|| missing(meta::CAPABILITIES, "an object"))?;
        Ok(Who {
            version,
            client: self.recent.client(meta.get(meta::CLIENT), capabilities),
            session: None,
            log_level: meta.text(meta::LOG_LEVEL).and_then(|level| Level::of(&level)),
        })
    }

    pub(super) fn modern(&mut self, net: &mut Net, asked: &Asked<'_>, carrier: &Carrier) -> Result<Done, CallError> {
        match &*asked.method {
            "server/discover" => Ok(Done::Result(self.discovered())),
            "subscriptions/listen" => self.listen(net, asked, carrier),
            "tasks/get" => self.of_task(asked, TaskWork::Get, |core| core.task_get(asked)),
            "tasks/update" => self.of_task(asked, TaskWork::Update, |core| core.task_update(net, asked)),
            "tasks/cancel" => self.of_task(asked, TaskWork::Cancel, |core| core.task_cancel(asked)),
            _ => self.common(asked),
        }
    }

    fn discovered(&self) -> String {
        let mut result = json!({
            "resultType": "complete",
            "_meta": { meta::SERVER: self.provider.server() },
            "supportedVersions": [Version::NEWEST.as_str()],
            "capabilities": capabilities(Era::Modern),
            "ttlMs": 3_600_000,
            "cacheScope": "private",
        });
        if let Some(instructions) = &self.provider.server().instructions {
            result["instructions"] = instructions.as_str().into();
        }
        if let Some(instance) = &self.instance {
            result["_meta"][meta::INSTANCE] = instance.as_str().into();
        }
        result.to_string()
    }

    /// The HTTP status of an answer.
    pub(super) fn status_of(era: Era, error: i32) -> u16 {
        match (era, error) {
            (Era::Legacy, _) => 200,
            (_, code::METHOD_NOT_FOUND) => 404,
            (_, code::HEADER_MISMATCH | code::MISSING_CAPABILITY | code::UNSUPPORTED_VERSION) => 400,
            _ => 200,
        }
    }
}
