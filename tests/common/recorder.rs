//! A pass-through between a client and the node that keeps what either said.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use super::wait;

/// What one connection carried.
#[derive(Clone, Default)]
pub struct Conversation {
    pub to_node: Vec<u8>,
    pub to_client: Vec<u8>,
}

/// A listening pass-through.
pub struct Recorder {
    addr: SocketAddr,
    tape: Arc<Tape>,
}

#[derive(Default)]
struct Tape {
    conversations: Mutex<Vec<Conversation>>,
    /// Directions still open.
    open: AtomicUsize,
}

impl Recorder {
    /// Listens on a free port and passes everything to `node`.
    pub fn start(node: SocketAddr) -> Recorder {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let addr = listener.local_addr().expect("an address");
        let tape = Arc::new(Tape::default());
        let writer = Arc::clone(&tape);
        // Ends with the test process; it holds nothing but a port.
        thread::spawn(move || {
            listener.incoming().flatten().for_each(|client| pass(client, node, &writer));
        });
        Recorder { addr, tape }
    }

    /// Where the client connects.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Waits until both sides closed every connection, then returns them all.
    #[track_caller]
    pub fn finish(self) -> Vec<Conversation> {
        wait::until("both sides to close", || self.tape.open.load(Ordering::SeqCst) == 0);
        self.tape.conversations().clone()
    }

    /// How many bytes clients have sent so far.
    pub fn bytes_to_node(&self) -> usize {
        self.tape.conversations().iter().map(|conversation| conversation.to_node.len()).sum()
    }
}

impl Tape {
    fn conversations(&self) -> MutexGuard<'_, Vec<Conversation>> {
        self.conversations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn pass(client: TcpStream, node: SocketAddr, tape: &Arc<Tape>) {
    let Ok(server) = TcpStream::connect(node) else {
        return;
    };
    let (Ok(client_again), Ok(server_again)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    let number = tape.conversations().len();
    tape.conversations().push(Conversation::default());
    copy(client, server, tape, move |all| &mut all[number].to_node);
    copy(server_again, client_again, tape, move |all| &mut all[number].to_client);
}

/// Copies one direction on a thread of its own, noting the bytes before they are passed on.
fn copy(
    mut from: TcpStream,
    mut to: TcpStream,
    tape: &Arc<Tape>,
    side: impl Fn(&mut Vec<Conversation>) -> &mut Vec<u8> + Send + 'static,
) {
    let tape = Arc::clone(tape);
    tape.open.fetch_add(1, Ordering::SeqCst);
    thread::spawn(move || {
        let mut piece = vec![0; 1 << 16];
        while let Ok(count @ 1..) = from.read(&mut piece) {
            side(&mut tape.conversations()).extend_from_slice(&piece[..count]);
            if to.write_all(&piece[..count]).is_err() {
                break;
            }
        }
        let _ = to.shutdown(Shutdown::Write);
        tape.open.fetch_sub(1, Ordering::SeqCst);
    });
}
