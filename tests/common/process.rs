//! A child process whose output is read line by line and which never outlives its test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process};

use super::wait::{self, DEADLINE};

/// What is kept of standard error.
const STDERR_BYTES_MAX: usize = 1 << 20;

/// A running child; dropping it kills it.
pub struct Process {
    child: Child,
    stdout: Receiver<String>,
    stderr: Arc<Mutex<Vec<u8>>>,
    stderr_reader: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts `command` with its outputs connected to the test.
    pub fn spawn(command: &mut Command) -> Process {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|e| panic!("cannot run {command:?}: {e}"));
        let stdout = lines(child.stdout.take().expect("stdout is piped"));
        let stderr = Arc::new(Mutex::new(Vec::new()));
        let pipe = child.stderr.take().expect("stderr is piped");
        let kept = Arc::clone(&stderr);
        let stderr_reader = Some(thread::spawn(move || keep(pipe, &kept)));
        Process { child, stdout, stderr, stderr_reader }
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next line of standard output, or `None` once the process has closed it.
    #[track_caller]
    pub fn line(&self) -> Option<String> {
        match self.stdout.recv_timeout(DEADLINE) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => panic!("no line on standard output: {}", self.log()),
        }
    }

    /// What the process wrote on standard error so far.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&locked(&self.stderr)).into_owned()
    }

    /// What the process wrote on standard error, once it has ended.
    pub fn log_to_the_end(&mut self) -> String {
        if let Some(reader) = self.stderr_reader.take() {
            reader.join().expect("standard error is read to its end");
        }
        self.log()
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("the child can be signalled");
    }

    /// Whether the process has ended.
    pub fn ended(&mut self) -> bool {
        self.child.try_wait().expect("the child can be waited for").is_some()
    }

    /// SIGKILL, and its death.
    pub fn kill(&mut self) {
        // A child that is dead already was killed all the same.
        let _ = self.child.kill();
        self.exit_status();
    }

    /// Waits for the end; standard error is complete afterwards.
    #[track_caller]
    pub fn exit_status(&mut self) -> ExitStatus {
        let started = Instant::now();
        let status = wait::until_some("the process to end", || {
            self.child.try_wait().expect("the child can be waited for")
        });
        assert!(started.elapsed() < DEADLINE);
        if let Some(reader) = self.stderr_reader.take() {
            // A grandchild could hold the pipe: its silence is not worth a hang.
            wait::until("standard error to close", || reader.is_finished());
        }
        status
    }
}

impl Drop for Process {
    #[expect(clippy::print_stderr, reason = "the harness shows it when the test fails")]
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            let log = self.log();
            let tail = log.len().saturating_sub(8192);
            eprintln!(
                "--- process {} said\n{}---",
                self.id(),
                &log[log.ceil_char_boundary(tail)..]
            );
        }
    }
}

fn lines(pipe: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        // Reading goes on when nobody listens, so that the child never blocks on its output.
        for line in BufReader::new(pipe).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    receiver
}

fn keep(mut pipe: impl Read, kept: &Mutex<Vec<u8>>) {
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = pipe.read(&mut piece) {
        let mut kept = locked(kept);
        if kept.len() < STDERR_BYTES_MAX {
            kept.extend_from_slice(&piece[..count]);
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
