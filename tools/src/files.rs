//! The one door to files that somebody named on the command line. (Those of a data directory are
//! behind the engine's door.)
#![expect(clippy::disallowed_methods, reason = "this is the door to named files")]

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Stdin, Write};
use std::path::{Path, PathBuf};

/// A file that appears under its name when it is whole and synced, or not at all.
#[derive(Debug)]
pub struct NewFile {
    /// `None` once it has its name.
    file: Option<File>,
    path: PathBuf,
    hidden: PathBuf,
    bytes: u64,
}

impl NewFile {
    /// Begins a file, which will replace any of that name.
    pub fn create(path: &Path) -> io::Result<NewFile> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidFilename)?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.tmp", std::process::id()));
        let hidden = path.with_file_name(hidden);
        let file = Some(File::create(&hidden)?);
        Ok(NewFile { file, path: path.to_owned(), hidden, bytes: 0 })
    }

    /// Gives it its name, durably; returns its length.
    pub fn seal(mut self) -> io::Result<u64> {
        if let Some(file) = self.file.as_mut() {
            file.sync_all()?;
        }
        fs::rename(&self.hidden, &self.path)?;
        self.file = None;
        let dir = self.path.parent().filter(|dir| !dir.as_os_str().is_empty());
        File::open(dir.unwrap_or(Path::new(".")))?.sync_all()?;
        Ok(self.bytes)
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let written = file.write(bytes)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // It was not finished; what is left of it is of no use to anybody.
            let _unlinked = fs::remove_file(&self.hidden);
        }
    }
}

/// Makes sure that a directory is there.
#[cfg(feature = "parquet")]
pub fn create_dir(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

/// Something to read.
#[derive(Debug)]
pub enum Input {
    /// A file.
    File(BufReader<File>),
    /// Standard input.
    Stdin(BufReader<Stdin>),
}

/// Read from a file at a time.
const READ_BYTES: usize = 1 << 20;

impl Input {
    /// Opens a file; `-` is standard input.
    pub fn open(path: &Path) -> io::Result<Input> {
        if path == Path::new("-") {
            return Ok(Input::Stdin(BufReader::with_capacity(READ_BYTES, io::stdin())));
        }
        let file = File::open(path)?;
        if file.metadata()?.is_dir() {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        Ok(Input::File(BufReader::with_capacity(READ_BYTES, file)))
    }

    /// The file from its beginning, for who reads it here and there.
    pub fn seekable(self) -> Option<File> {
        match self {
            Input::File(file) => Some(file.into_inner()),
            Input::Stdin(_) => None,
        }
    }
}

impl Read for Input {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Input::File(file) => file.read(out),
            Input::Stdin(file) => file.read(out),
        }
    }
}

impl io::BufRead for Input {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        match self {
            Input::File(file) => file.fill_buf(),
            Input::Stdin(file) => file.fill_buf(),
        }
    }

    fn consume(&mut self, bytes: usize) {
        match self {
            Input::File(file) => file.consume(bytes),
            Input::Stdin(file) => file.consume(bytes),
        }
    }
}
