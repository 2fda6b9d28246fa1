//! `irontsd serve`: puts engine and network together, says when it is ready, stops on a signal.

use crate::flags::{Serve, Switch};
use crate::{hints, readiness};
use irontsd_engine::engine::{Config, Engine};
use irontsd_engine::env::{self, Env};
use irontsd_engine::instructions::Instructions;
use irontsd_engine::retention::Keep;
use irontsd_net::admission::{Admission, Limits};
use irontsd_net::histogram::codecs::Codecs;
use irontsd_net::http::router::Port;
use irontsd_net::memory::Memory;
use irontsd_net::node::Node;
use irontsd_net::policy::{Creates, Policy};
use irontsd_net::server::{Bound, Server};
use irontsd_net::udp;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

/// From the first signal to the end. What is not flushed by then stays in the logs.
const STOP_WITHIN: Duration = Duration::from_secs(9);
/// Exit code when the node cannot run.
const CANNOT_RUN: u8 = 3;

/// Runs the node until a signal ends it.
pub fn run(flags: &Serve) -> ExitCode {
    match serve(flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(text) => {
            tracing::error!("{text}");
            ExitCode::from(CANNOT_RUN)
        }
    }
}

fn serve(flags: &Serve) -> Result<(), String> {
    choose_instructions(flags.instructions)?;
    let loops = usize::from(flags.event_loops.unwrap_or_else(cores));
    let connections_max = raise_descriptor_limit(loops as u64)?;
    let signals = Signals::new([SIGINT, SIGTERM]);
    let signals = signals.map_err(|error| format!("cannot watch for signals: {error}"))?;
    let (opentsdb, datagrams) = bind_opentsdb(flags)?;
    let mut bound = vec![opentsdb, bind("--http-listen", flags.http_listen, Port::Http)?];
    if let Some(address) = flags.kairosdb_listen {
        bound.push(bind("--kairosdb-listen", address, Port::Kairosdb)?);
    }
    let env = env::real();
    let limit_bytes = memory_limit(flags, &env);
    let config = config(flags, loops, limit_bytes);
    let engine = Engine::open(config, env).map_err(|error| hints::data_dir(&error))?;
    let (used, best) = (Instructions::chosen(), Instructions::best());
    tracing::info!("instructions: {used} (of this machine: {best})");
    let recovery = engine.recovery();
    tracing::info!("{}: {recovery}", flags.data_dir.display());
    recovery.cuts.iter().for_each(|cut| tracing::warn!("{cut}"));
    recovery.faults.iter().for_each(|fault| tracing::error!("{fault}"));
    let names = ["opentsdb", "http", "kairosdb"];
    for (name, bound) in names.iter().zip(&bound) {
        let address = bound.address().map_err(|error| error.to_string())?;
        say(&format!("listening {name} {address}"));
    }
    if let Some(socket) = &datagrams {
        let address = socket.local_addr().map_err(|error| error.to_string())?;
        say(&format!("listening opentsdb-udp {address}"));
    }
    let node = Arc::new(Node {
        engine,
        policy: Policy { connections_max, ..policy(flags) },
        known: Default::default(),
        admission: Admission::new(limits(flags)),
        rejections: Default::default(),
        counters: Default::default(),
        memory: Memory::new(limit_bytes),
    });
    let server = Server::start(&node, bound, datagrams, loops)
        .map_err(|error| format!("cannot start the event loops: {error}"))?;
    say("ready");
    readiness::ready(&format!("serving {}", flags.data_dir.display()));
    wait_for_signal(signals)?;
    readiness::stopping();
    stop(server, node);
    Ok(())
}

fn choose_instructions(wanted: Option<Instructions>) -> Result<(), String> {
    let best = Instructions::best();
    let wanted = wanted.unwrap_or(best);
    if !wanted.is_here() {
        return Err(hints::instructions(wanted, best));
    }
    wanted.choose();
    Ok(())
}

fn cores() -> u16 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u16::try_from(cores.min(irontsd_engine::limits::SHARDS_MAX)).unwrap_or(1)
}

/// Of the memory there is the node takes this share by default: the rest is for the system, which
/// needs some to keep what is read from files.
const MEMORY_PERCENT: u64 = 60;

/// `None` if there is to be no limit, or nobody knows how much memory there is.
fn memory_limit(flags: &Serve, env: &Env) -> Option<u64> {
    let share = |total_bytes: u64| total_bytes / 100 * MEMORY_PERCENT;
    let limit = flags.memory_limit.or_else(|| env::memory::total_bytes(&*env.disk).map(share));
    limit.filter(|&bytes| bytes > 0)
}

/// Parts of names are merged in memory, twice; they may take an eighth of the limit.
const NAMES_SHARE: u64 = 8 * 2;

/// Rows are in memory twice while a flush goes on, at some twenty bytes each; all of them may take a
/// sixth of the limit.
const FLUSH_SHARE: u64 = 6 * 2 * 20;

fn config(flags: &Serve, shards: usize, memory_limit: Option<u64>) -> Config {
    let config = Config::new(&flags.data_dir);
    let flush_rows_max = memory_limit.map_or(u64::MAX, |bytes| bytes / FLUSH_SHARE);
    let flush_rows = config.flush_rows.min(flush_rows_max.max(1 << 16));
    let names_max = memory_limit.map_or(u64::MAX, |bytes| bytes / NAMES_SHARE);
    let names_part_bytes_max = config.names_part_bytes_max.min(names_max.max(1 << 20));
    // With 0 every acknowledgement asks for its sync; lines nobody waits for are synced as usual.
    let interval = Some(flags.sync_interval).filter(|interval| !interval.is_zero());
    let age = flags.retention.filter(|age| !age.is_zero());
    let keep = Keep { age, bytes_max: flags.retention_bytes };
    // Flags are bounded well below what a number of milliseconds holds.
    let partition_ms = flags.partition.map(|length| length.as_millis() as i64);
    let sync_interval = interval.unwrap_or(config.sync_interval);
    let min_free_disk_bytes = flags.min_free_disk_bytes;
    let merge_bytes_per_second = flags.merge_bytes_per_second;
    Config {
        shards,
        sync_interval,
        keep,
        partition_ms,
        min_free_disk_bytes,
        merge_bytes_per_second,
        names_part_bytes_max,
        flush_rows,
        ..config
    }
}

fn policy(flags: &Serve) -> Policy {
    let bytes = |bytes: u64| usize::try_from(bytes).unwrap_or(usize::MAX);
    let strict = flags.strict == Switch::On;
    Policy {
        strict,
        creates: Creates {
            metrics: flags.auto_create_metrics == Switch::On,
            tagks: flags.auto_create_tagks == Switch::On,
            tagvs: flags.auto_create_tagvs == Switch::On,
        },
        tags_max: flags.max_tags.unwrap_or(if strict { 8 } else { 40 }),
        line_bytes_max: bytes(flags.max_line_bytes),
        body_bytes_max: bytes(flags.max_body_bytes).min(BODY_BYTES_LIMIT),
        origins: flags.cors_origin.clone().unwrap_or_default(),
        telnet_errors: flags.telnet_errors == Switch::On,
        export_stall: flags.export_stall_timeout,
        request_timeout: flags.request_timeout,
        forget_after: flags.forget_after,
        sync_each: flags.sync_interval.is_zero(),
        histogram_codecs: histogram_codecs(flags),
        ..Policy::default()
    }
}

fn limits(flags: &Serve) -> Limits {
    let unlimited = Limits::default();
    Limits {
        series: flags.max_series.unwrap_or(unlimited.series),
        new_per_second: flags.max_new_series_per_second.unwrap_or(unlimited.new_per_second),
    }
}

fn histogram_codecs(flags: &Serve) -> Codecs {
    let mut codecs = Codecs::default();
    flags.histogram_codec.iter().for_each(|&(id, codec)| codecs.set(id, codec));
    codecs
}

/// One body's points must fit in one commit: the smallest point takes twenty-odd bytes.
const BODY_BYTES_LIMIT: usize = 40 << 20;

fn bind(flag: &str, address: SocketAddr, port: Port) -> Result<Bound, String> {
    Bound::new(address, port).map_err(|error| hints::listen(flag, address, &error))
}

/// Ports tried where any will do: one must be free for connections and for datagrams.
const PORTS_TRIED: usize = 16;

fn bind_opentsdb(flags: &Serve) -> Result<(Bound, Option<UdpSocket>), String> {
    let tries = if flags.opentsdb_listen.port() == 0 { PORTS_TRIED } else { 1 };
    let mut refused = String::new();
    for _ in 0..tries {
        let bound = bind("--opentsdb-listen", flags.opentsdb_listen, Port::Opentsdb)?;
        if flags.opentsdb_udp == Switch::Off {
            return Ok((bound, None));
        }
        match bind_udp(&bound) {
            Ok(socket) => return Ok((bound, Some(socket))),
            Err(text) => refused = text,
        }
    }
    Err(refused)
}

fn bind_udp(opentsdb: &Bound) -> Result<UdpSocket, String> {
    let address = opentsdb.address().map_err(|error| error.to_string())?;
    udp::bind(address).map_err(|error| {
        format!(
            "cannot take datagrams on {address}: {error}; choose another address with \
             --opentsdb-listen, or --opentsdb-udp off"
        )
    })
}

/// Plain lines that scripts wait for.
#[expect(clippy::print_stdout, reason = "the interface of `serve`")]
fn say(line: &str) {
    println!("{line}");
    // Who started us may be gone; the node runs on.
    let _gone = std::io::stdout().flush();
}

/// What the node itself opens: at most so much, and so much for each loop.
const DESCRIPTORS_FOR_NODE: u64 = 24;
const DESCRIPTORS_FOR_LOOP: u64 = 4;
/// Each connection takes one more; fewer than this are worth a warning.
const DESCRIPTORS_MANY: u64 = 1024;

/// The hard limit is there to be used; one that is too low is known before a client meets it. Returns
/// how many connections leave the node enough for its files.
fn raise_descriptor_limit(loops: u64) -> Result<usize, String> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!("cannot raise the descriptor limit: {error}");
    }
    let allowed = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let needed = DESCRIPTORS_FOR_NODE + loops * DESCRIPTORS_FOR_LOOP;
    if allowed <= needed {
        return Err(hints::too_few_descriptors(allowed, needed + 1));
    }
    if allowed < DESCRIPTORS_MANY {
        tracing::warn!("{}", hints::few_descriptors(allowed, needed));
    }
    Ok(usize::try_from(allowed - needed).unwrap_or(usize::MAX))
}

/// Returns at the first signal. The second ends the process at once: everything acknowledged is
/// in the logs already.
fn wait_for_signal(mut signals: Signals) -> Result<(), String> {
    let first = signals.forever().next();
    tracing::info!("stopping on {}", signal_name(first));
    let thread = std::thread::Builder::new().name("signals".into());
    let second = move || {
        let signal = signals.forever().next();
        tracing::warn!("second {}: ending at once", signal_name(signal));
        std::process::exit(1);
    };
    thread.spawn(second).map(drop).map_err(|error| format!("cannot start a thread: {error}"))
}

fn signal_name(signal: Option<i32>) -> &'static str {
    match signal {
        Some(SIGINT) => "SIGINT",
        Some(SIGTERM) => "SIGTERM",
        _ => "signal",
    }
}

/// Ends in order: connections, then a last flush, so that the next start has nothing to replay.
fn stop(server: Server, node: Arc<Node>) {
    let (sender, ended) = mpsc::channel();
    std::thread::spawn(move || {
        server.stop();
        let _late = sender.send(node.engine.close());
    });
    match ended.recv_timeout(STOP_WITHIN) {
        Ok(Ok(())) => tracing::info!("stopped, everything is in segments"),
        Ok(Err(error)) => {
            tracing::warn!("stopped; what is in no segment stays in the logs: {error}")
        }
        Err(_) => tracing::warn!("stopped before the last flush ended; the logs keep the rest"),
    }
}
