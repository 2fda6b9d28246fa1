//! HTTP/1.1, made by hand: heads and bodies in, answers out. No sockets here.

pub mod body;
pub mod cors;
pub mod head;
mod inflate;
pub mod multipart;
pub mod query;
pub mod repeat;
pub mod reply;
pub mod router;
pub mod session;
pub mod stream;
