//! Which codec an id means (`--histogram-codec ID=NAME`), and base64 behind ids. Pure.

use super::{binary, refuse};
use crate::reject::Reject;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use irontsd_engine::histogram::Histogram;
use std::collections::BTreeMap;

/// Padding may be missing; Java's decoders take both.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What the bytes behind an id are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// OpenTSDB's simple histogram, decoded.
    Simple,
    /// Anything else: kept as it came.
    Opaque,
}

/// The codecs of a node, by id.
#[derive(Debug, Clone, Default)]
pub struct Codecs(BTreeMap<u8, Codec>);

impl Codecs {
    /// Maps an id.
    pub fn set(&mut self, id: u8, codec: Codec) {
        self.0.insert(id, codec);
    }

    /// Whether an id is mapped.
    pub fn has(&self, id: i64) -> bool {
        u8::try_from(id).is_ok_and(|id| self.0.contains_key(&id))
    }

    /// Reads the bytes behind an id, given as base64.
    pub fn decode(&self, id: i64, base64: &[u8]) -> Result<Histogram, Reject> {
        let mapped = u8::try_from(id).ok().and_then(|id| Some((id, *self.0.get(&id)?)));
        let (id, codec) =
            mapped.ok_or_else(|| refuse(format!("No codec found mapped to ID {id}")))?;
        let bytes = from_base64(base64)?;
        match codec {
            Codec::Opaque => Ok(Histogram::Opaque { id, bytes }),
            Codec::Simple => binary::decode(&bytes).map(Histogram::Buckets).map_err(refuse),
        }
    }
}

/// Whether a text is base64.
pub fn is_base64(text: &[u8]) -> bool {
    !text.is_empty() && BASE64.decode(text).is_ok()
}

/// Reads base64.
pub fn from_base64(text: &[u8]) -> Result<Vec<u8>, Reject> {
    let shown = || String::from_utf8_lossy(text);
    BASE64.decode(text).map_err(|bad| refuse(format!("Not base64: {}: {bad}", shown())))
}

/// Appends base64 with padding.
pub fn push_base64(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(BASE64.encode(bytes).as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_how_bytes_are_read() {
        let mut codecs = Codecs::default();
        codecs.set(42, Codec::Simple);
        codecs.set(7, Codec::Opaque);
        let simple = b"AAIAAAAAP4AAACo/gAAAQKAAABgAAQ==";
        let Ok(Histogram::Buckets(read)) = codecs.decode(42, simple) else { panic!("buckets") };
        assert_eq!(read.iter().collect::<Vec<_>>(), [(0.0, 1.0, 42), (1.0, 5.0, 24)]);
        let opaque = Histogram::Opaque { id: 7, bytes: vec![0, 2, 0] };
        assert_eq!(codecs.decode(7, b"AAIA"), Ok(opaque));
        for (id, text, message) in [
            (8, "AAIA", "No codec found mapped to ID 8"),
            (256 + 7, "AAIA", "No codec found mapped to ID 263"),
            (-249, "AAIA", "No codec found mapped to ID -249"),
            (7, "AA?A", "Not base64: AA?A: Invalid symbol 63, offset 2."),
            (42, "AAIA", "Byte array shorter than 6 bytes detected: [0, 2, 0]"),
        ] {
            let refused = codecs.decode(id, text.as_bytes()).expect_err("bad");
            assert_eq!(refused.message, message);
        }
    }
}
