//! Times of the series index at two million series: building, finding, listing, memory.
//!
//! `cargo bench --bench index [-- SERIES]` prints a table. Series are made in the registry of a new
//! data directory; no points are stored, so the times are those of matching names alone.

#![expect(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark is a program")]

use irontsd_engine::engine::{Config, Engine};
use irontsd_engine::env;
use irontsd_engine::index::{Listing, Texts};
use irontsd_net::read::find::{Bounds, find, first_names};
use irontsd_net::read::select::{Selector, parse};
use std::time::{Duration, Instant};

const TRIES: usize = 9;

fn main() {
    let series = std::env::args().filter_map(|text| text.parse().ok()).next().unwrap_or(2_000_000);
    for (shape, name) in SHAPES {
        measure(shape, series, *name);
    }
}

type Name = fn(u64) -> String;

/// Half as many values of `host` as series in each.
const SHAPES: &[(&str, Name)] = &[
    ("two tags, hosts in order", |number| {
        let (host, cpu) = (number / 2, number % 2);
        format!("cpu.usage_{} cpu=cpu{cpu} host=host-{host:07}", number % 10)
    }),
    ("ten tags, hosts scattered", |number| {
        let host = (number / 2).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 24;
        let rack = number / 2 % 100;
        format!(
            "cpu.usage_{} arch=x64 datacenter=eu-central-1{} host={host:010x} os=Ubuntu16.04LTS \
             rack={rack} region=eu-central-1 service={} service_environment=production \
             service_version={} team=SF unit={}",
            number % 10,
            rack % 3,
            rack % 20,
            rack % 2,
            number % 2
        )
    }),
];

fn measure(shape: &str, series: u64, name: Name) {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = Engine::open(Config::new(dir.path()), env::real()).expect("a new directory");
    let (registry, index) = (engine.registry(), engine.index());
    let mut bytes = 0;
    for number in 0..series {
        let name = name(number);
        bytes += name.len();
        registry.find_or_reserve(name.as_bytes()).expect("room");
    }
    let host = name(series / 2)
        .split("host=")
        .nth(1)
        .map(|rest| rest.split(' ').next().unwrap_or(rest).to_owned());
    let host = host.expect("each series has a host");
    let search = |selector: &str, note: &str| {
        let mut found = 0;
        let took = time(TRIES, || {
            let selectors: [Selector; 1] = [parse(selector).expect("good")];
            found = find(&engine, &selectors, registry.len()).len();
        });
        println!("| `{}`{note} | {found} | {} |", selector.replace('|', "\\|"), ms(took));
    };
    let each = |bytes: u64| bytes as f64 / series as f64;
    println!("\n## {shape}: {series} series, {:.0} bytes a name\n", each(bytes as u64));
    println!("| what | found | ms |\n| --- | ---: | ---: |");
    for selector in [format!("{{host=\"{host}\"}}"), format!("{{host=~\".*{}\"}}", &host[3..])] {
        search(&selector, ", nothing indexed");
    }
    let walked = time(1, || registry.each_name(0..registry.len(), |_, name| assert_ne!(name, b"")));
    let before = anonymous();
    let built = time(1, || index.extend(registry));
    let grown = anonymous().saturating_sub(before);
    println!("| copying all names | {series} | {} |", ms(walked));
    println!("| building the index | {series} | {} |", ms(built));
    let narrow = &host[..host.len() - 3];
    // What tells values apart begins here; what a prefix leaves is a matter of how much of it is in it.
    let apart = host.find('-').map_or(0, |at| at + 1);
    let begin = |bytes: usize| &host[..apart + bytes];
    for selector in [
        format!("{{host=\"{host}\"}}"),
        format!("cpu.usage_3{{host=\"{host}\"}}"),
        format!("{{host=~\"{host}|{narrow}000|{narrow}999\"}}"),
        format!("{{host=~\"{narrow}.*\"}}"),
        format!("{{host=~\"{}.*1.*7\"}}", begin(4)),
        format!("{{host=~\"{}.*1.*7\"}}", begin(3)),
        format!("{{host=~\"{}.*1.*7\"}}", begin(2)),
        format!("{{host=~\"{}.*1.*7\"}}", begin(1)),
        format!("{{host=~\"{}.*1.*7\"}}", &host[..apart]),
        "{host=~\".*12.4.*7\"}".to_owned(),
        format!("{{host=~\".*{}\"}}", &host[3..]),
        "{host!~\".*7\"}".to_owned(),
        "cpu.usage_3".to_owned(),
        "{nosuch!=\"\"}".to_owned(),
        format!("cpu.usage_3{{nosuch=\"\",host=~\".*{}\"}}", &host[3..]),
    ] {
        search(&selector, "");
    }
    for (what, listing, limit) in [
        ("labels", Listing::Labels, usize::MAX),
        ("values of host, limit 100", Listing::Values(b"host"), 100),
    ] {
        let mut found = 0;
        let took = time(TRIES, || {
            let mut texts = Texts::new(b"", limit);
            let listed =
                index.list(registry, None, registry.len(), listing, &mut |_| Ok(true), &mut texts);
            listed.expect("no damage");
            found = texts.iter().count();
        });
        println!("| {what} | {found} | {} |", ms(took));
    }
    let mut found = 0;
    let took = time(TRIES, || found = paged(&engine, b"host"));
    println!("| values of host, page by page | {found} | {} |", ms(took));
    let mut found = 0;
    let counting = || index.cardinality(registry, None, 10, None).pairs;
    let took = time(TRIES, || found = counting());
    println!("| counting all by label and value | {found} | {} |", ms(took));
    let some = find(&engine, &[parse("cpu.usage_3").expect("good")], registry.len());
    let counting = || index.cardinality(registry, Some(&some), 10, None).pairs;
    let took = time(TRIES, || found = counting());
    println!("| the same of `cpu.usage_3` | {found} | {} |", ms(took));
    let all = || 0..registry.len();
    let bounds = Bounds { after: None, end: None, limit: 100, bytes_max: usize::MAX };
    let first = || first_names(&engine, all(), bounds, |_| Ok(true)).expect("no damage").0.len();
    println!(
        "| first 100 series of all by name | {} | {} |",
        first(),
        ms(time(TRIES, || assert_eq!(first(), 100)))
    );
    println!(
        "\nIndex: {:.1} bytes a series by its own count, {:.1} by the growth of RssAnon.",
        each(index.memory() as u64),
        each(grown)
    );
}

/// Number of values of a label, listed as an answer lists them.
fn paged(engine: &Engine, label: &[u8]) -> usize {
    let (registry, index) = (engine.registry(), engine.index());
    let (mut found, mut after) = (0, None);
    loop {
        let mut page = Texts::page(after, 8 << 10, 256 << 10);
        let (len, mut all) = (registry.len(), |_| Ok(true));
        index
            .list(registry, None, len, Listing::Values(label), &mut all, &mut page)
            .expect("sound");
        found += page.iter().count();
        let Some(next) = page.next() else { return found };
        after = Some(next.to_vec());
    }
}

/// The median of some tries.
fn time(tries: usize, mut work: impl FnMut()) -> Duration {
    let mut all: Vec<Duration> = (0..tries)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    all.sort();
    all[tries / 2]
}

fn ms(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64() * 1e3)
}

/// Bytes of anonymous memory of this process.
fn anonymous() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}
