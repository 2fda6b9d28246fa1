//! Flags of `irontsd import`.

use crate::flags::histogram_codec;
use crate::format::Format;
use clap::Parser;
use irontsd_net::histogram::codecs::Codec;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  irontsd import all.jsonl --to irontsd-data
  irontsd import backup-1.jsonl.gz backup-2.jsonl.gz --to irontsd-data
  irontsd import archive/2026-11-*.parquet --to irontsd-data
  curl -s 'http://other:8428/api/v1/export?match[]=cpu' | irontsd import - --to irontsd-data

No node may be running on DATA_DIR: the directory is locked, and everything lies synced in segments when
this ends. To add to a running node send it the file instead, as JSON lines or put lines:
  curl --data-binary @all.jsonl http://HOST:8428/api/v1/import
  nc -N HOST 4242 < all.txt

What is taken: JSON lines as /api/v1/export gives them, put and histogram lines, CSV whose header names tags,
__name__, __value__ and __timestamp__, and Parquet with the columns of `irontsd export`. Packed with gzip or
not is seen by itself, and so is the form. A sample of a time that a series has already replaces it.

A bad line is named with its file, number and reason, and loses nothing else.

Exit status: 0 all was imported; 1 lines were refused, and the rest was imported; 2 the command line is
wrong; 3 a file cannot be read or the directory cannot be written: what was imported before stays.";

/// Add files to a data directory, without a node.
#[derive(Debug, Parser)]
#[command(after_long_help = EXAMPLES)]
pub struct Import {
    /// What to import, in this order; - is standard input.
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,

    /// The data directory; created if missing.
    #[arg(long, value_name = "DATA_DIR")]
    pub to: PathBuf,

    /// The form of all files. By default each says by its beginning what it is.
    #[arg(long, value_enum)]
    pub format: Option<Format>,

    /// What the histograms behind an id in put lines are: `simple` is decoded. By default, and with any
    /// other name, their bytes are kept as they are. May be repeated.
    #[arg(long, value_name = "ID=NAME", value_parser = histogram_codec, value_delimiter = ',')]
    pub histogram_codec: Vec<(u8, Codec)>,

    /// Say at the end what was imported and refused as one JSON object on standard output.
    #[arg(long)]
    pub json: bool,
}
