//! Cases on a few threads, and what becomes of one that panics.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::case::Case;

/// What a case found: nothing to complain of, or the first complaint.
pub type Verdict = Result<(), String>;

/// Cases in flight; they wait for nodes to start more than they compute.
const THREADS: usize = 4;

/// Runs every case and returns the verdicts in the order of the cases.
pub fn in_parallel(cases: &[Case], run: impl Fn(&Case) -> Verdict + Sync) -> Vec<Verdict> {
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(vec![Ok(()); cases.len()]);
    let worker = || {
        while let Some((place, case)) = take(cases, &next) {
            let verdict = guarded(|| run(case));
            verdicts.lock().expect("no worker panics")[place] = verdict;
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(worker);
        }
    });
    verdicts.into_inner().expect("no worker panics")
}

fn take<'a>(cases: &'a [Case], next: &AtomicUsize) -> Option<(usize, &'a Case)> {
    let place = next.fetch_add(1, Ordering::Relaxed);
    cases.get(place).map(|case| (place, case))
}

/// A panic of the plain clients and parsers is a complaint like any other.
fn guarded(run: impl FnOnce() -> Verdict) -> Verdict {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(said(&*panic)))
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
    format!("panic: {}", text.unwrap_or("without a word"))
}
