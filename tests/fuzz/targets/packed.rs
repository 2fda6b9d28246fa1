//! Compressed bodies as a connection gets them: what was packed comes back, nothing goes beyond the limit,
//! and it makes no difference how the bytes were cut. The first byte says what to pack and how, the
//! second the size of the pieces, the third the limit.

use std::io::Read;

use flate2::Compression;
use flate2::read::{DeflateEncoder, GzEncoder, ZlibEncoder};
use irontsd_net::http::session::{Session, Taken};

use super::pieces;

/// See the module.
pub fn check(bytes: &[u8]) {
    let Some((&[how, cut, limit], payload)) = bytes.split_first_chunk::<3>() else { return };
    let bytes_max = usize::from(limit) << 4;
    let coding = ["gzip", "x-gzip", "deflate", "identity"][usize::from(how & 3)];
    let is_raw = how & 4 == 0;
    let body = if is_raw { payload.to_vec() } else { pack(payload, how) };
    let found = taken(coding, &body, bytes_max, cut);
    assert_eq!(found, taken(coding, &body, bytes_max, 0), "in one piece");
    if let Ok(body) = &found {
        assert!(body.len() <= bytes_max, "{} bytes", body.len());
    }
    if !is_raw {
        let expected = match body.len().max(payload.len()) {
            len if len > bytes_max => Err(413),
            _ => Ok(payload.to_vec()),
        };
        assert_eq!(found, expected);
    }
}

fn pack(payload: &[u8], how: u8) -> Vec<u8> {
    let (mut out, level) = (Vec::new(), Compression::new(u32::from(how >> 5)));
    let read = match how & 3 {
        0 | 1 => GzEncoder::new(payload, level).read_to_end(&mut out),
        2 if how & 8 == 0 => ZlibEncoder::new(payload, level).read_to_end(&mut out),
        2 => DeflateEncoder::new(payload, level).read_to_end(&mut out),
        _ => Read::read_to_end(&mut { payload }, &mut out),
    };
    read.expect("memory can be read");
    out
}

/// The body of the request, or the status of its refusal.
fn taken(coding: &str, body: &[u8], bytes_max: usize, cut: u8) -> Result<Vec<u8>, u16> {
    let mut request = format!(
        "POST /api/put HTTP/1.1\r\nHost: h\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    let head_bytes = request.len();
    request.extend_from_slice(body);
    let (mut session, mut interim) = (Session::default(), Vec::new());
    let mut spare = b"of another".to_vec();
    let (head, body) = request.split_at(head_bytes);
    for piece in [head].into_iter().chain(pieces(body, cut)) {
        match session.take(piece, bytes_max, &mut interim, &mut spare) {
            (_, Taken::Incomplete) => {}
            (_, Taken::Request(request)) => return Ok(request.body),
            (_, Taken::Refused(reply, _)) => return Err(reply.status),
        }
    }
    panic!("all bytes were given, and no request came of them");
}
