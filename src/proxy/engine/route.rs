//! Decides whom a request is for: a server of ours, one elsewhere, or Brummer itself.

use std::sync::Arc;

use super::control::{LocalAnswer, PageOrigin};
use super::downstream::Downstream;
use super::engine::Engine;
use super::pages::{explain, pac};
use super::site::{Role, Site, host_of, is_allowed};
use super::upstream::is_loopback_name;
use crate::io::net::Net;
use crate::proxy::exchange::Mode;
use crate::wire::http1::{Method, RequestHead, TargetForm, split_authority};

impl Engine {
    /// The site, or what we answer instead.
    pub(super) fn decide(
        &mut self,
        net: &mut Net,
        down: &Downstream,
        head: &RequestHead,
    ) -> Result<Arc<Site>, LocalAnswer> {
        let html = head.field("accept").unwrap_or_default().windows(9).any(|part| part == b"text/html");
        if head.kind() == Method::Connect
            || (head.form() == TargetForm::Absolute && down.role == Role::Control && !self.is_own(head))
        {
            return self.forward(net, down, head, html);
        }
        let host = head.authority().or(head.host()).and_then(host_of);
        if let Some(host) = &host
            && !is_allowed(host, &self.hosts, self.lan)
        {
            return Err(misdirected(host, html));
        }
        match down.role {
            Role::Reverse(place) => match self.routes.get(place).and_then(Option::as_ref) {
                Some(route) => Ok(Arc::clone(&route.site)),
                None => {
                    Err(explain(404, "This address belongs to no server any more.", "Its process has ended.", html))
                }
            },
            Role::Replay => Err(explain(404, "There is nothing here.", "", html)),
            Role::Control => self.on_control(host.as_deref().unwrap_or("localhost"), head, html),
        }
    }

    fn on_control(&mut self, host: &str, head: &RequestHead, html: bool) -> Result<Arc<Site>, LocalAnswer> {
        if let Some(name) = host.strip_suffix(".localhost") {
            let route = self.routes.iter().flatten().find(|route| route.name == name);
            return match route {
                Some(route) => Ok(Arc::clone(&route.site)),
                None => Err(explain(404, &format!("No running server has the name {name}."), &self.names(), html)),
            };
        }
        let path = head.path();
        let path = path.split(|byte| *byte == b'?').next().unwrap_or(path);
        match (head.kind(), path) {
            (Method::Get | Method::Head, b"/proxy.pac" | b"/pac") => Err(pac(self.port)),
            (Method::Get | Method::Head, b"/") => Err(explain(200, "Brummer's proxy runs here.", &self.names(), html)),
            _ => Err(explain(404, "Brummer's proxy has nothing at this path.", &self.names(), html)),
        }
    }

    fn names(&self) -> String {
        let names: Vec<String> = self.routes.iter().flatten().map(|route| self.describe(route)).collect();
        if names.is_empty() { "No server is known yet.".into() } else { format!("Known: {}.", names.join(", ")) }
    }

    fn describe(&self, route: &super::site::Route) -> String {
        format!(
            "http://{}.localhost:{} and http://localhost:{} for {}",
            route.name,
            self.port,
            route.port,
            self.upstreams.get(route.site.origin).url
        )
    }

    /// Whether an absolute target names the control port itself.
    fn is_own(&self, head: &RequestHead) -> bool {
        let parts = head.authority().and_then(|authority| split_authority(authority.as_bytes()));
        let Some((host, port)) = parts else { return false };
        let host = host.trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        !head.is_secure() && port.unwrap_or(80) == self.port && is_loopback_name(&host)
    }

    /// For a server elsewhere.
    fn forward(
        &mut self,
        net: &mut Net,
        down: &Downstream,
        head: &RequestHead,
        html: bool,
    ) -> Result<Arc<Site>, LocalAnswer> {
        let refuse = |status, what: &str, help: &str| Err(explain(status, what, help, html));
        if down.role != Role::Control {
            return refuse(
                405,
                "This address is that of one server.",
                "The proxy for others is Brummer's control port.",
            );
        }
        if !self.full {
            return refuse(403, "Forwarding is off.", "Turn it on: mode = \"full\" in [proxy_server] of .brum.toml.");
        }
        if !down.peer.ip().to_canonical().is_loopback() {
            return refuse(403, "Only programs on this machine may use the proxy for others.", "");
        }
        let tunnel = head.kind() == Method::Connect;
        let Some((host, port)) = head.authority().and_then(|authority| split_authority(authority.as_bytes())) else {
            return refuse(400, "The target names no server.", "");
        };
        let secure = head.is_secure();
        let port = port.unwrap_or(if secure { 443 } else { 80 });
        let name = host_of(host).unwrap_or_default();
        if is_loopback_name(&name) && (port == self.port || self.routes.iter().flatten().any(|r| r.port == port)) {
            return refuse(
                508,
                "The target is Brummer's own address.",
                "Ask the server itself, or this address without a proxy.",
            );
        }
        if let Some(allowed) = &self.forward_to
            && !is_loopback_name(&name)
            && !is_allowed(&name, allowed, false)
        {
            return refuse(
                403,
                &format!("{name} is not among the hosts that may be reached."),
                "Add it to the proxy's allow-list.",
            );
        }
        let Some(origin) = self.upstreams.find(net, secure, host, port) else {
            return refuse(503, "Too many servers are in use.", "");
        };
        let url = &self.upstreams.get(origin).url;
        let process = self.routes.iter().flatten().find(|route| route.site.origin == origin);
        let process = process.and_then(|route| route.site.process.clone());
        Ok(Arc::new(Site {
            origin,
            mode: if tunnel { Mode::Tunnel } else { Mode::Forward },
            page: PageOrigin { origin: Arc::from(&**url), process: process.clone() },
            process,
            pseudonym: self.pseudonym.clone(),
        }))
    }
}

fn misdirected(host: &str, html: bool) -> LocalAnswer {
    let what = format!("Requests for the host {host} are not taken here.");
    let help = "A web page elsewhere could let its own name point at this machine. If the name is yours, allow it: \
                allowed_hosts = [\"NAME\"] in [proxy_server] of .brum.toml.";
    explain(421, &what, help, html)
}
