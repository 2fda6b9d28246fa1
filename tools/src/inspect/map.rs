//! Segments drawn as a map: time from left to right, levels from top to bottom, darker where more bytes
//! lie. Pure.

use crate::screen::text;

/// One segment on the map.
#[derive(Debug, Clone, Copy)]
pub struct Area {
    /// Its level.
    pub level: u32,
    /// First and last timestamp.
    pub times: (i64, i64),
    /// Its size.
    pub bytes: u64,
}

/// From few to many bytes in the time of a column.
const SHADES: [char; 4] = ['░', '▒', '▓', '█'];
/// Columns before the drawing.
const MARGIN: usize = 10;

/// Draws the map into lines of at most `width` columns.
pub fn draw(areas: &[Area], width: usize) -> Vec<String> {
    let low = areas.iter().map(|area| area.times.0).min().unwrap_or(0);
    let high = areas.iter().map(|area| area.times.1).max().unwrap_or(0);
    let columns = width.saturating_sub(MARGIN).max(20);
    let place = |time: i64| {
        let span = (high - low).max(1) as f64;
        (((time - low) as f64 / span) * (columns - 1) as f64).round() as usize
    };
    let mut levels: Vec<u32> = areas.iter().map(|area| area.level).collect();
    levels.sort_unstable();
    levels.dedup();
    let mut rows = vec![vec![0f64; columns]; levels.len()];
    for area in areas {
        let row = levels.iter().position(|&level| level == area.level).unwrap_or(0);
        let (from, to) = (place(area.times.0), place(area.times.1));
        for cell in &mut rows[row][from..=to] {
            *cell += area.bytes as f64 / (to - from + 1) as f64;
        }
    }
    let most = rows.iter().flatten().copied().fold(0f64, f64::max);
    let shade = |&bytes: &f64| match bytes {
        0.0 => '·',
        _ => {
            // A tenth as many bytes is one shade less.
            let below = (most / bytes).log10().floor().max(0.0) as usize;
            SHADES[SHADES.len() - 1 - below.min(SHADES.len() - 1)]
        }
    };
    let line = |(row, level): (&Vec<f64>, &u32)| {
        format!(
            "{:<MARGIN$}{}",
            format!("level {level}"),
            row.iter().map(shade).collect::<String>()
        )
    };
    let mut lines: Vec<String> = rows.iter().zip(&levels).map(line).collect();
    let (first, last) = (text::time(low), text::time(high));
    let room = columns.saturating_sub(first.len() + last.len()).max(1);
    lines.push(format!("{:MARGIN$}{first}{:room$}{last}", "", ""));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_stand_at_their_time_and_level() {
        let areas = [
            Area { level: 0, times: (900_000, 1_000_000), bytes: 1 },
            Area { level: 2, times: (0, 500_000), bytes: 10_000 },
        ];
        let lines = draw(&areas, 62);
        assert_eq!(lines.len(), 3);
        let dots = |line: &str, from: usize, to: usize| {
            line.chars().skip(from).take(to - from).all(|c| c == '·')
        };
        assert!(lines[0].starts_with("level 0   ·") && lines[0].ends_with('░'), "{}", lines[0]);
        assert!(lines[1].starts_with("level 2   █") && lines[1].ends_with('·'), "{}", lines[1]);
        assert!(dots(&lines[0], 10, 50) && dots(&lines[1], 40, 62), "{lines:?}");
        assert!(lines[2].ends_with("1970-01-01T00:16:40Z"), "{}", lines[2]);
    }
}
