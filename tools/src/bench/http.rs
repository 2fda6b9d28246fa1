//! The few HTTP requests a benchmark makes.

use std::io::Read;
use std::net::SocketAddr;
use std::time::Duration;

use super::Outcome;

/// Every series: `match[]={__name__=~".*"}`.
pub const EXPORT_ALL: &str = "/api/v1/export?match%5B%5D=%7B__name__%3D~%22.*%22%7D";

/// The body of a successful answer to `GET path`.
pub fn get(node: SocketAddr, path: &str, timeout: Duration) -> Outcome<String> {
    let mut text = String::new();
    stream(node, path, timeout)?.read_to_string(&mut text)?;
    Ok(text)
}

/// The body of a successful answer to `GET path`, as it arrives.
pub fn stream(node: SocketAddr, path: &str, timeout: Duration) -> Outcome<impl Read + use<>> {
    let config = ureq::Agent::config_builder().timeout_global(Some(timeout));
    let agent = ureq::Agent::new_with_config(config.build());
    let url = format!("http://{node}{path}");
    let answer = agent.get(&url).call();
    let answer = answer.map_err(|error| format!("GET {url}: {error}"))?;
    Ok(answer.into_body().into_reader())
}
