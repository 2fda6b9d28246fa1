//! An answer whose length is not known when it begins: its body in pieces, each a chunk, packed
//! with gzip where the client takes that.

use super::reply::{Framing, VARY, start};
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::Write;

/// Length of a chunk, filled in when it is known: a chunk of length zero would end the body.
const SIZE_LINE: &[u8] = b"00000000\r\n";

/// The body in the making.
#[derive(Debug)]
pub struct Stream {
    framing: Framing,
    /// Keeps what it packed until it makes up a block, a few hundred kilobytes at the most.
    gzip: Option<GzEncoder<Vec<u8>>>,
    /// A piece before it is packed.
    plain: Vec<u8>,
}

impl Stream {
    /// Appends the head of the answer; `trailers` are the names of the trailer fields to come.
    pub fn begin(
        out: &mut Vec<u8>,
        content_type: &str,
        trailers: &str,
        framing: Framing,
    ) -> Stream {
        start(out, 200, content_type);
        let mut add = |text: &str| out.extend_from_slice(text.as_bytes());
        add(VARY);
        if framing.gzip {
            add("Content-Encoding: gzip\r\n");
        }
        if framing.chunked {
            add("Transfer-Encoding: chunked\r\n");
            if !trailers.is_empty() {
                add(&format!("Trailer: {trailers}\r\n"));
            }
        }
        let keep_alive = framing.keep_alive && framing.chunked;
        add(Framing { keep_alive, ..framing }.connection());
        add("\r\n");
        let gzip = framing.gzip.then(|| GzEncoder::new(Vec::new(), Compression::fast()));
        Stream { framing, gzip, plain: Vec::new() }
    }

    /// Appends the piece that `fill` makes. Returns what `fill` returns.
    pub fn piece<T>(&mut self, out: &mut Vec<u8>, fill: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let chunked = self.framing.chunked;
        let Some(gzip) = &mut self.gzip else { return chunk(out, chunked, fill) };
        self.plain.clear();
        let filled = fill(&mut self.plain);
        // Packing into memory cannot fail.
        let _ = gzip.write_all(&self.plain);
        chunk(out, chunked, |out| out.append(gzip.get_mut()));
        filled
    }

    /// Ends the body; `trailers` are whole lines.
    pub fn end(&mut self, out: &mut Vec<u8>, trailers: &str) {
        let chunked = self.framing.chunked;
        if let Some(gzip) = &mut self.gzip {
            let _ = gzip.try_finish();
            chunk(out, chunked, |out| out.append(gzip.get_mut()));
        }
        if chunked {
            out.extend_from_slice(format!("0\r\n{trailers}\r\n").as_bytes());
        }
    }

    /// Appends what is still being packed, but no end: the client gets all there is, and sees that
    /// it is not all there should be.
    pub fn break_off(&mut self, out: &mut Vec<u8>) {
        if let Some(gzip) = &mut self.gzip {
            let _ = gzip.flush();
            chunk(out, self.framing.chunked, |out| out.append(gzip.get_mut()));
        }
    }
}

/// Appends one chunk, unless it has no byte.
fn chunk<T>(out: &mut Vec<u8>, chunked: bool, fill: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    if !chunked {
        return fill(out);
    }
    let start = out.len();
    out.extend_from_slice(SIZE_LINE);
    let body = out.len();
    let filled = fill(out);
    let bytes = out.len() - body;
    if bytes == 0 {
        out.truncate(start);
    } else {
        out[start..start + 8].copy_from_slice(format!("{bytes:08x}").as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::read::MultiGzDecoder;
    use std::io::Read;

    fn framing(chunked: bool, gzip: bool) -> Framing {
        Framing { keep_alive: true, chunked, head_only: false, gzip }
    }

    fn body(out: &[u8]) -> &[u8] {
        let at = out.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        &out[at + 4..]
    }

    #[test]
    fn pieces_are_chunks_and_empty_ones_are_none() {
        let mut out = Vec::new();
        let mut stream = Stream::begin(&mut out, "text/plain", "X-A", framing(true, false));
        for piece in ["one", "", "two"] {
            stream.piece(&mut out, |out| out.extend_from_slice(piece.as_bytes()));
        }
        stream.end(&mut out, "X-A: 1\r\n");
        assert_eq!(
            body(&out),
            b"00000003\r\none\r\n00000003\r\ntwo\r\n0\r\nX-A: 1\r\n\r\n",
            "{}",
            String::from_utf8_lossy(&out)
        );
    }

    #[test]
    fn packed_pieces_unpack_whole_or_up_to_the_break() {
        for broken in [false, true] {
            let mut out = Vec::new();
            let mut stream = Stream::begin(&mut out, "text/plain", "", framing(false, true));
            for _ in 0..1000 {
                stream.piece(&mut out, |out| out.extend_from_slice(b"the same again"));
            }
            if broken {
                stream.break_off(&mut out);
            } else {
                stream.end(&mut out, "");
            }
            let mut text = Vec::new();
            let read = MultiGzDecoder::new(body(&out)).read_to_end(&mut text);
            assert_eq!(read.is_err(), broken);
            assert_eq!(text, b"the same again".repeat(1000));
        }
    }
}
