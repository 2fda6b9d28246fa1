//! The small pages that an event loop makes at once.

use crate::agents;
use crate::http::reply::{JSON, PLAIN_JSON, Reply, TEXT};
use crate::http::router::Route;
use crate::kairosdb;
use crate::node::Node;
use crate::status;
use crate::telnet;

/// Damaged files named by `/-/ready`.
const FAULTS_SHOWN: usize = 20;

/// What is damaged, a line each. It does not make the node unready: it takes points and serves the rest.
fn damage(node: &Node) -> String {
    let faults = node.engine.faults();
    let shown = faults.iter().take(FAULTS_SHOWN).map(|fault| format!("\ndamaged: {fault}"));
    let mut text: String = shown.collect();
    if faults.len() > FAULTS_SHOWN {
        text.push_str(&format!("\nand {} more", faults.len() - FAULTS_SHOWN));
    }
    text
}

/// The page of a route.
pub(super) fn page(node: &Node, route: &Route) -> Reply {
    match route {
        Route::Aggregators => agents::aggregators(),
        Route::Filters => agents::filters(),
        Route::Config => agents::config(&node.policy),
        Route::ApiStats => agents::stats(node),
        Route::Stats => agents::stats_text(node),
        Route::Health => Reply::new(200, TEXT, "OK"),
        Route::Ready => match node.engine.stopped() {
            None => Reply::new(200, TEXT, format!("OK{}", damage(node))),
            Some(reason) => Reply::new(503, TEXT, format!("{reason}{}\n", damage(node))),
        },
        Route::Metrics => Reply::new(200, "text/plain; version=0.0.4", status::metrics(node)),
        Route::Rejected => Reply::new(200, JSON, status::rejected(node)),
        Route::SeriesCount => {
            let count = node.engine.registry().len();
            let body = format!("{{\"status\":\"success\",\"data\":[{count}]}}");
            Reply::new(200, PLAIN_JSON, body)
        }
        Route::Version => Reply::new(200, "text/plain; charset=UTF-8", telnet::version()),
        // There is none; what asks for it wants to go on.
        Route::DropCaches => {
            Reply::new(200, JSON, r#"{"status":"200","message":"Caches dropped"}"#)
        }
        Route::Status => Reply::new(200, JSON, r#"{"status":"ok"}"#),
        Route::KairosdbVersion => {
            let body = format!("{{\"version\": \"{}\"}}", kairosdb::version());
            Reply::new(200, PLAIN_JSON, body)
        }
        Route::ApiVersion => {
            let version = env!("CARGO_PKG_VERSION");
            Reply::new(
                200,
                JSON,
                format!(
                    "{{\"version\":\"{version}\",\"short_revision\":\"\",\"full_revision\":\"\",\
                 \"timestamp\":\"0\",\"repo_status\":\"MINT\",\"user\":\"\",\"host\":\"\",\
                 \"repo\":\"irontsd\",\"branch\":\"\"}}"
                ),
            )
        }
        _ => Reply::error(404, "Endpoint not found", None),
    }
}
