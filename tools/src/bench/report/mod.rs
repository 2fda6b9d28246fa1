//! A run as one page of HTML that needs no other file: what was measured, plots over time, the
//! distribution of latencies, and everything that is needed to repeat it. Pure but for the facts
//! about the machine.

mod plot;
mod plots;
mod scale;

use std::fmt::Write;

use super::compare;
use super::flags::Bench;
use super::machine;
use super::run::{Run, refusals};
use super::summary;
use super::units::{bytes, grouped, mib, scaled, three_digits, time_ns};
use super::verify::Verdict;

const STYLE: &str = include_str!("page.css");

/// The page about one run or two.
pub(super) fn page(runs: &[Run], flags: &Bench) -> String {
    let title = title(runs, flags);
    let mut out = format!(
        "<!doctype html><html lang=en><meta charset=utf-8>\
         <meta name=viewport content=\"width=device-width,initial-scale=1\">\
         <title>{0}</title><style>{STYLE}</style><main><header><h1>{0}</h1><p>{1}</p></header>",
        escape(&title),
        escape(&subtitle(runs, flags)),
    );
    match runs {
        [one, two] => push_comparison(&mut out, one, two),
        runs => runs.iter().for_each(|run| push_tiles(&mut out, run)),
    }
    push_findings(&mut out, runs);
    out.push_str("<div class=plots>");
    plots::of(runs, flags).iter().for_each(|plot| out.push_str(&plot.html()));
    out.push_str("</div>");
    push_facts(&mut out, runs, flags);
    out.push_str("</main></html>\n");
    out
}

/// Text in HTML, also within quotes.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn title(runs: &[Run], flags: &Bench) -> String {
    match runs {
        [one, two] => {
            let (first, second) = (&one.target.name, &two.target.name);
            format!("{first} and {second}: {}", summary::what(flags))
        }
        _ => format!("irontsd bench: {}", summary::what(flags)),
    }
}

fn subtitle(runs: &[Run], flags: &Bench) -> String {
    let each = runs.iter().map(|run| {
        let (to, points) = (summary::to(run, flags), grouped(run.counts.sent));
        let name = match run.target.name.as_str() {
            "" => String::new(),
            name => format!("{name}: "),
        };
        format!("{name}{points} points to {to} in {} s", three_digits(run.finished_s))
    });
    each.collect::<Vec<_>>().join(" \u{b7} ")
}

fn push_tiles(out: &mut String, run: &Run) {
    out.push_str("<div class=tiles>");
    let mut tile = |value: &str, unit: &str, label: &str, class: &str| {
        let (value, unit, label) = (escape(value), escape(unit), escape(label));
        let _ = write!(
            out,
            "<div class=\"card tile\"><b class=\"{class}\">{value} <small>{unit}</small></b>\
             <span>{label}</span></div>"
        );
    };
    let until = if run.finish.is_some() { "until flushed and counted" } else { "until accepted" };
    tile(&scaled(run.points_per_s()), "points/s", until, "");
    if let Some(us) = run.cpu_us_per_point() {
        let accepted = run.cpu_accepted.map_or(0.0, |cpu| cpu.total_s());
        let accepted = three_digits(accepted * 1e6 / run.counts.sent.max(1) as f64);
        let label = format!("server CPU a point, {accepted} of it until accepted");
        tile(&three_digits(us), "us", &label, "");
    }
    if let Some(found) = run.percentiles() {
        let label = format!("latency p99; p50 {}, max {}", time_ns(found.p50), time_ns(found.max));
        let text = time_ns(found.p99);
        let (value, unit) = text.split_once(' ').unwrap_or((&text, ""));
        tile(value, unit, &label, "");
    }
    if run.target.pid.is_some() {
        let (resident, anonymous) = run.memory_peak();
        let text = mib(resident);
        let (value, unit) = text.split_once(' ').unwrap_or((&text, ""));
        tile(value, unit, &format!("resident at most, {} of it anonymous", mib(anonymous)), "");
    }
    let (checked, class) = match (&run.verdict, run.findings().is_empty()) {
        (Some(Verdict::Same { .. }), true) => ("verified", "good"),
        (_, true) => ("0 errors", "good"),
        (_, false) => ("see below", "bad"),
    };
    let label = match &run.verdict {
        Some(Verdict::Same { series, .. }) => {
            format!("every sample of {} series came back as sent", grouped(*series))
        }
        _ if run.counts.errors == 0 => "nothing was refused".to_owned(),
        _ => refusals(run.counts.errors),
    };
    tile(checked, "", &label, class);
    out.push_str("</div>");
}

fn push_comparison(out: &mut String, one: &Run, two: &Run) {
    let (first, second) = (escape(&one.target.name), escape(&two.target.name));
    let _ = write!(
        out,
        "<section class=card><table class=figures><thead><tr><th></th><th>{first}</th>\
         <th>{second}</th><th>{first} / {second}</th></tr></thead>"
    );
    for row in compare::rows(one, two) {
        let cell = |at: usize| escape(&row.values[at].map_or("\u{2013}".to_owned(), row.show));
        let (first, second, ratio) = (cell(0), cell(1), escape(&row.ratio_text()));
        let name = escape(row.name);
        let _ = write!(
            out,
            "<tr><th>{name}</th><td>{first}</td><td>{second}</td><td>{ratio}</td></tr>"
        );
    }
    out.push_str("</table></section>");
}

fn push_findings(out: &mut String, runs: &[Run]) {
    let mut items = Vec::new();
    for run in runs {
        let name = match run.target.name.as_str() {
            "" => String::new(),
            name => format!("{name}: "),
        };
        items.extend(run.findings().iter().map(|finding| format!("{name}{finding}")));
        let answers = run.answers.iter();
        items
            .extend(answers.map(|(answer, count)| format!("{name}{} x {answer}", grouped(*count))));
    }
    if items.is_empty() {
        return;
    }
    out.push_str("<section class=card><h2 class=bad>Not as it should be</h2><ul>");
    items.iter().for_each(|item| {
        let _ = write!(out, "<li>{}</li>", escape(item));
    });
    out.push_str("</ul></section>");
}

fn push_facts(out: &mut String, runs: &[Run], flags: &Bench) {
    out.push_str("<section class=card><h2>Settings</h2><table class=facts>");
    let command: Vec<String> = std::env::args().skip(1).collect();
    let mut facts = vec![("workload".to_owned(), summary::what(flags))];
    for run in runs {
        let name = if run.target.name.is_empty() { "server" } else { &run.target.name };
        facts.push((name.to_owned(), summary::to(run, flags)));
    }
    if let Some(run) = runs.first() {
        let each = run.counts.bytes as f64 / run.counts.sent.max(1) as f64;
        let sent = format!("{} points, {}", grouped(run.counts.sent), bytes(run.counts.bytes));
        facts.push(("sent".to_owned(), format!("{sent} ({} a point)", three_digits(each))));
        let pace = match flags.style.rate {
            Some(rate) => format!("open loop, {} points a second by the clock", grouped(rate)),
            None => "closed loop, as fast as it goes".to_owned(),
        };
        let (connections, batch) = (flags.style.connections, grouped(run.batch));
        facts.push(("pace".to_owned(), pace));
        facts.push(("connections".to_owned(), format!("{connections}, batches of {batch} points")));
    }
    for run in runs {
        let label = if run.target.name.is_empty() { "" } else { &run.target.name };
        let own = three_digits(run.own_cpu_s * 1e6 / run.counts.sent.max(1) as f64);
        let name = format!("generator {label}");
        facts.push((name.trim().to_owned(), format!("{own} us of its own CPU a point")));
        let name = format!("latency {label}");
        let text = format!("from the moment a batch was due to {}", run.latency_ends);
        facts.push((name.trim().to_owned(), text));
    }
    let machine = machine::describe().unwrap_or_default();
    // A page is made when the load is over.
    let at_the_end = |name: &str| name.replace("at the start", "at the end");
    facts.extend(machine.into_iter().map(|(name, value)| (at_the_end(name), value)));
    for (name, value) in facts {
        let _ = write!(out, "<tr><th>{}</th><td>{}</td></tr>", escape(&name), escape(&value));
    }
    let command = escape(&command.join(" "));
    let _ = write!(out, "<tr><th>command</th><td><code>irontsd {command}</code></td></tr>");
    let version = env!("CARGO_PKG_VERSION");
    let _ = write!(out, "<tr><th>version</th><td>irontsd {version}</td></tr></table></section>");
}
