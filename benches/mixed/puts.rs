//! Requests of one point each at fixed times, on one connection.

use std::io::Write;
use std::time::{Duration, Instant};

use irontsd::bench::json_points::push_body;
use irontsd::bench::put::Answer;

use super::fixed::later_s;
use crate::common::Outcome;
use crate::common::node::Running;
use crate::common::stream::connect;
use crate::common::times::Times;

/// The series of the points, which no line has.
pub const SELECTOR: &str = "mixed.requests";
/// Series that take turns.
const SERIES: u64 = 100;

/// What the requests took.
#[derive(Clone, Debug, Default)]
pub struct Puts {
    /// From when each was due to its answer.
    pub latencies: Times,
    /// From when each was due, and the last one answered, until the client began to send it.
    pub woken_late: Times,
}

impl Puts {
    /// Sends so many a second for so long; fails if one is refused.
    pub fn run(running: &Running, per_second: f64, duration: Duration) -> Outcome<Self> {
        let mut socket = connect(running.opentsdb, running.timeout)?;
        let (mut answer, mut request) = (Answer::default(), Vec::new());
        let (mut latencies, mut woken_late) = (Vec::new(), Vec::new());
        let start = Instant::now();
        for number in 0.. {
            let due = Duration::from_secs_f64(number as f64 / per_second);
            if due >= duration {
                break;
            }
            make_request(&mut request, number)?;
            let ready = due.max(start.elapsed());
            std::thread::sleep(due.saturating_sub(start.elapsed()));
            woken_late.push(start.elapsed() - ready);
            socket.write_all(&request)?;
            answer.read(&mut socket)?;
            latencies.push(start.elapsed() - due);
            if !answer.is_success() {
                return Err(format!("refused: {}", String::from_utf8_lossy(answer.said())).into());
            }
        }
        Ok(Puts { latencies: latencies.into(), woken_late: woken_late.into() })
    }
}

/// Each with a timestamp of its own: a later sample of a timestamp would replace an earlier one.
fn make_request(request: &mut Vec<u8>, number: u64) -> Outcome<()> {
    let (time_s, series) = (later_s() + number / SERIES, number % SERIES);
    let line = format!("put {SELECTOR} {time_s} {number} host=requests number={series}");
    let mut body = Vec::new();
    push_body(&mut body, line.as_bytes())?;
    request.clear();
    write!(
        request,
        "POST /api/put HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n",
        body.len()
    )?;
    request.extend_from_slice(&body);
    Ok(())
}
