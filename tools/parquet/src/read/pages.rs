//! The pages of a column, unpacked.
//!
//! The `parquet` crate unpacks all but Zstandard, for which it would bring a library in C. So it is told
//! that such pages are stored plain, and they are unpacked here.

use crate::error::Error;
use bytes::Bytes;
use parquet::basic::{Compression, CompressionCodec};
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;
use ruzstd::decoding::StreamingDecoder;
use std::io::Read;
use std::sync::Arc;

/// Bytes of a page at the most; the format keeps their number in 31 bits.
const PAGE_BYTES_MAX: usize = i32::MAX as usize;

/// The pages of a column of a row group.
pub fn open<R: ChunkReader + 'static>(
    file: &Arc<R>,
    column: &ColumnChunkMetaData,
    rows: usize,
) -> std::result::Result<Box<dyn PageReader>, Error> {
    let plain = |column: &ColumnChunkMetaData| {
        SerializedPageReader::new(Arc::clone(file), column, rows, None)
            .map_err(|error| Error::in_column(&column.column_path().string(), error))
    };
    match column.compression_codec() {
        CompressionCodec::UNCOMPRESSED
        | CompressionCodec::SNAPPY
        | CompressionCodec::GZIP
        | CompressionCodec::LZ4
        | CompressionCodec::LZ4_RAW => Ok(Box::new(plain(column)?)),
        CompressionCodec::ZSTD => {
            let builder = column.clone().into_builder().set_compression(Compression::UNCOMPRESSED);
            let column = builder.build()?;
            Ok(Box::new(Zstandard(Box::new(plain(&column)?))))
        }
        codec => {
            Err(Error::Codec { codec: format!("{codec:?}"), column: column.column_path().string() })
        }
    }
}

/// Pages whose values are packed with Zstandard.
struct Zstandard(Box<dyn PageReader>);

impl Iterator for Zstandard {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Result<Page>> {
        self.get_next_page().transpose()
    }
}

impl PageReader for Zstandard {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.0.get_next_page()?.map(unpacked).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.0.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.0.skip_next_page()
    }

    fn supports_deferred_dictionary(&self) -> bool {
        self.0.supports_deferred_dictionary()
    }

    fn take_deferred_dictionary(&mut self) -> Result<Option<Page>> {
        self.0.take_deferred_dictionary()?.map(unpacked).transpose()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.0.at_record_boundary()
    }
}

fn unpacked(mut page: Page) -> Result<Page> {
    match &mut page {
        Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => *buf = decoded(buf, 0)?,
        Page::DataPageV2 { is_compressed: false, .. } => {}
        Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
            *buf = decoded(buf, *def_levels_byte_len as usize + *rep_levels_byte_len as usize)?;
        }
    }
    Ok(page)
}

/// The bytes of a page with what stands behind its first `plain` bytes unpacked.
fn decoded(packed: &Bytes, plain: usize) -> Result<Bytes> {
    let (levels, mut frames) =
        packed.split_at_checked(plain).ok_or_else(|| bad("a page is shorter than its levels"))?;
    let mut out = levels.to_vec();
    // A page without values may have none; what others write has one.
    while !frames.is_empty() {
        let mut decoder = StreamingDecoder::new(&mut frames).map_err(|error| bad(&error))?;
        let left = (PAGE_BYTES_MAX + 1 - out.len()) as u64;
        decoder.by_ref().take(left).read_to_end(&mut out).map_err(|error| bad(&error))?;
        if out.len() > PAGE_BYTES_MAX {
            return Err(bad("a page is longer than the format allows"));
        }
        let decoder = decoder.into_frame_decoder();
        let told = decoder.get_checksum_from_data();
        if told.is_some() && told != decoder.get_calculated_checksum() {
            return Err(bad("a page has another checksum than it says"));
        }
    }
    Ok(out.into())
}

fn bad(why: impl std::fmt::Display) -> ParquetError {
    ParquetError::General(format!("Zstandard: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    #[test]
    fn levels_stay_and_frames_follow_each_other() {
        let text: Vec<u8> = (0..20_000u32).flat_map(|n| (n * n % 999).to_le_bytes()).collect();
        let frame = compress_to_vec(&text[..], CompressionLevel::Fastest);
        assert!(frame.len() < text.len() / 2);
        let unpacked = |packed: Vec<u8>, plain| decoded(&packed.into(), plain);
        assert_eq!(unpacked(frame.clone(), 0).expect("a frame"), text);
        let page = [b"levels", &frame[..], &frame[..]].concat();
        let expected = [b"levels", &text[..], &text[..]].concat();
        assert_eq!(unpacked(page.clone(), 6).expect("two frames"), expected);
        assert_eq!(unpacked(b"levels".to_vec(), 6).expect("no values"), &b"levels"[..]);
        assert!(unpacked(b"level".to_vec(), 6).is_err());
        for cut in (1..frame.len()).step_by(101) {
            assert!(unpacked(frame[..cut].to_vec(), 0).is_err(), "{cut}");
        }
        // The checksum is what a changed byte cannot pass.
        for at in (8..frame.len()).step_by(97) {
            let mut changed = frame.clone();
            changed[at] ^= 1;
            assert!(unpacked(changed, 0).is_err(), "{at}");
        }
    }
}
