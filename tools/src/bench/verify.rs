//! Proof that the server holds exactly what was sent: the same lines are made once more, and an
//! export of their range of time is held against them, series by series.

use super::Outcome;
use super::plan::Plan;
use super::server::Control;
use super::units::grouped;
use crate::workload::{Account, Difference, name_of};

const PIECE_LINES: u64 = 4096;

/// What a comparison has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// So many samples of so many series, each as it was sent.
    Same {
        /// Samples.
        samples: u64,
        /// Series.
        series: u64,
    },
    /// What differs, for people.
    Differs(String),
}

/// Compares the server's samples with those that the connections have sent.
pub(super) fn verify(plan: &Plan, sent: &[u64], control: &Control) -> Outcome<Verdict> {
    let account = account(plan, sent)?;
    let (samples, series) = account.counts();
    let Some(times_ms) = account.times_ms() else {
        return Ok(Verdict::Same { samples, series });
    };
    let export = Account::of_export(control.export(times_ms)?)
        .map_err(|error| format!("reading the export: {error}"))?;
    Ok(match account.difference(&export) {
        None => Verdict::Same { samples, series },
        Some(found) => Verdict::Differs(tell(plan, sent, &found)),
    })
}

/// A thread for each connection makes its lines again.
fn account(plan: &Plan, sent: &[u64]) -> Outcome<Account> {
    let parts = std::thread::scope(|scope| {
        let one = |(connection, sent): (usize, &u64)| {
            let sent = *sent;
            scope.spawn(move || account_of(plan, connection, sent))
        };
        let threads: Vec<_> = sent.iter().enumerate().map(one).collect();
        threads.into_iter().map(|thread| thread.join()).collect::<Vec<_>>()
    });
    let mut whole = Account::default();
    for part in parts {
        whole.merge(part.map_err(|_| "a comparing thread failed")??);
    }
    Ok(whole)
}

fn account_of(plan: &Plan, connection: usize, sent: u64) -> Outcome<Account> {
    let mut account = plan.account();
    each_piece(plan, connection, sent, |lines| {
        account
            .add_lines(lines)
            .map_err(|error| format!("what was sent cannot be verified: {error}"))?;
        Ok(None::<()>)
    })?;
    Ok(account.settled())
}

/// The lines that a connection has sent, until one piece has what is looked for.
fn each_piece<T>(
    plan: &Plan,
    connection: usize,
    sent: u64,
    mut look: impl FnMut(&[u8]) -> Outcome<Option<T>>,
) -> Outcome<Option<T>> {
    let (mut workload, mut lines, mut left) = (plan.workload(connection), Vec::new(), sent);
    while left > 0 {
        lines.clear();
        let count = workload.fill(&mut lines, left.min(PIECE_LINES));
        left = if count == 0 { 0 } else { left - count };
        if let Some(found) = look(&lines)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn tell(plan: &Plan, sent: &[u64], found: &Difference) -> String {
    let name = sent.iter().enumerate().find_map(|(connection, sent)| {
        let found = each_piece(plan, connection, *sent, |lines| Ok(name_of(lines, &found.series)));
        found.ok().flatten()
    });
    let example = match name {
        Some(name) => format!("for example {name}"),
        None => "none of which was sent: choose another --start, or an empty server".to_owned(),
    };
    let differ = if found.series.len() == 1 { "differs" } else { "differ" };
    format!(
        "{} samples were sent and {} are there; {} series {differ}, {example}",
        grouped(found.sent),
        grouped(found.found),
        grouped(found.series.len() as u64),
    )
}
