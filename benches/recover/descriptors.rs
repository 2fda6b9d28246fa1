//! All descriptors taken by clients, who leave.

use std::time::{Duration, Instant};

use super::line::Line;
use crate::common::Outcome;
use crate::common::irontsd::IronTsd;
use crate::common::node::Node;
use crate::common::options::TestOptions;

const DESCRIPTORS: u64 = 128;
const CLIENTS: usize = 256;
/// How long who is not let in must be without an answer, to be sure of it.
const SILENCE: Duration = Duration::from_millis(300);
/// As for full disks: the moment when clients leave moves through the node's steps.
const LATER_EACH: Duration = Duration::from_millis(37);

/// How long it took after the clients had left.
#[derive(Default)]
pub struct Recoveries {
    /// Until somebody was answered who had come before.
    pub waited: Vec<Duration>,
    /// Until somebody was answered who came afterwards.
    pub came: Vec<Duration>,
}

/// Takes the descriptors and gives them back so often.
pub fn measure(test: &TestOptions, rounds: u32) -> Outcome<Recoveries> {
    let mut node = IronTsd::new(test);
    node.add_flags(&["--event-loops", "1"]);
    node.set_descriptors(Some(DESCRIPTORS));
    let mut running = node.start()?;
    let open = || -> Outcome<Line> {
        let mut line = Line::open(running.opentsdb, running.timeout)?;
        line.ask()?;
        Ok(line)
    };
    let mut recoveries = Recoveries::default();
    for round in 0..rounds {
        let clients = (0..CLIENTS).map(|_| open()).collect::<Outcome<Vec<Line>>>()?;
        let mut waits = open()?;
        if !waits.is_silent(SILENCE)? {
            return Err("a client was let in although all descriptors were taken".into());
        }
        std::thread::sleep(LATER_EACH * (round % 8));
        drop(clients);
        let start = Instant::now();
        waits.answer()?;
        recoveries.waited.push(start.elapsed());
        let start = Instant::now();
        open()?.answer()?;
        recoveries.came.push(start.elapsed());
    }
    running.server.stop(running.timeout)?;
    Ok(recoveries)
}
