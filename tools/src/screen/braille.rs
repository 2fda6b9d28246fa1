//! Drawings of dots: two columns and four rows of them in each character. Pure.

/// A field of dots; the first row is at the top.
pub struct Canvas {
    columns: usize,
    rows: usize,
    cells: Vec<u8>,
}

/// The bit of a dot by its place in a character.
const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];

impl Canvas {
    /// An empty field of so many characters.
    pub fn new(columns: usize, rows: usize) -> Canvas {
        Canvas { columns, rows, cells: vec![0; columns * rows] }
    }

    /// Dots from left to right.
    pub fn width(&self) -> usize {
        self.columns * 2
    }

    /// Dots from top to bottom.
    pub fn height(&self) -> usize {
        self.rows * 4
    }

    /// Sets a dot.
    pub fn set(&mut self, x: usize, y: usize) {
        if x < self.width() && y < self.height() {
            self.cells[y / 4 * self.columns + x / 2] |= BITS[y % 4][x % 2];
        }
    }

    /// Sets all dots of a column from one row to another.
    pub fn column(&mut self, x: usize, from: usize, to: usize) {
        (from.min(to)..=from.max(to)).for_each(|y| self.set(x, y));
    }

    /// The characters, row by row.
    pub fn lines(&self) -> impl Iterator<Item = String> + '_ {
        let character = |&bits: &u8| char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' ');
        self.cells.chunks(self.columns).map(move |row| row.iter().map(character).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dots_stand_where_they_were_set() {
        let mut canvas = Canvas::new(2, 1);
        canvas.set(0, 0);
        canvas.column(3, 1, 3);
        canvas.set(9, 9);
        assert_eq!(canvas.lines().collect::<Vec<_>>(), ["\u{2801}\u{28b0}"]);
    }
}
