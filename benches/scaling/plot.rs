//! Plots side by side as one SVG, in colours for light and dark.

use std::fmt::Write;

const STYLE: &str = "text{font:12px system-ui,sans-serif;fill:#444}.title{font-weight:600}\
    .grid{stroke:#ddd}.line{fill:none;stroke:#2563eb;stroke-width:2}.dot{fill:#2563eb}\
    @media(prefers-color-scheme:dark){text{fill:#bbb}.grid{stroke:#444}\
    .line{stroke:#7aa2f7}.dot{fill:#7aa2f7}}";
const COLUMNS: usize = 2;
const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 44.0;
const RIGHT: f64 = 30.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 34.0;
/// Lines across a plot, at most.
const GRID_LINES: f64 = 5.0;

/// One plot: places from left to right by the logarithm of where they are, heights from zero up.
pub struct Panel {
    /// Its heading.
    pub title: String,
    /// Places with their labels, and heights.
    pub points: Vec<((f64, String), f64)>,
}

/// All plots in one picture.
pub fn svg(title: &str, panels: &[Panel]) -> String {
    let rows = panels.len().div_ceil(COLUMNS);
    let (width, height) = (WIDTH * COLUMNS as f64, HEIGHT * rows as f64);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>{title}</title><style>{STYLE}</style>\n"
    );
    for (number, panel) in panels.iter().enumerate() {
        let (column, row) = (number % COLUMNS, number / COLUMNS);
        let (x, y) = (column as f64 * WIDTH, row as f64 * HEIGHT);
        // Memory takes every text.
        let _ = writeln!(out, "<g transform=\"translate({x} {y})\">{}</g>", panel.drawing());
    }
    out + "</svg>\n"
}

impl Panel {
    fn drawing(&self) -> String {
        let mut out = format!("<text class=\"title\" x=\"{LEFT}\" y=\"22\">{}</text>", self.title);
        let most = self.points.iter().map(|point| point.1).fold(0.0, f64::max);
        let step = step(most);
        let top = (most / step).ceil().max(1.0) * step;
        let up = |value: f64| HEIGHT - BOTTOM - value / top * (HEIGHT - TOP - BOTTOM);
        for number in 0..=(top / step).round() as u32 {
            let value = f64::from(number) * step;
            let (y, end) = (up(value), WIDTH - RIGHT);
            let _ = write!(
                out,
                "<path class=\"grid\" d=\"M{LEFT} {y:.1}H{end}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                LEFT - 6.0,
                y + 4.0,
                (value * 1e6).round() / 1e6
            );
        }
        let mut path = String::new();
        for ((at, label), height) in &self.points {
            let (x, y) = (self.across(*at), up(*height));
            let _ = write!(path, "{}{x:.1} {y:.1}", if path.is_empty() { 'M' } else { 'L' });
            let below = HEIGHT - BOTTOM + 18.0;
            let _ = write!(
                out,
                "<circle class=\"dot\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"><title>{label}: \
                 {height:.2}</title></circle>\
                 <text x=\"{x:.1}\" y=\"{below}\" text-anchor=\"middle\">{}</text>",
                label
            );
        }
        let _ = write!(out, "<path class=\"line\" d=\"{path}\"/>");
        out
    }

    fn across(&self, at: f64) -> f64 {
        let end = |point: Option<&((f64, String), f64)>| point.map_or(1.0, |((at, _), _)| at.ln());
        let (first, last) = (end(self.points.first()), end(self.points.last()));
        let place = if last > first { (at.ln() - first) / (last - first) } else { 0.5 };
        // Room for half a label at the left.
        LEFT + 16.0 + place * (WIDTH - LEFT - RIGHT - 16.0)
    }
}

/// A round number, of which few reach so far.
fn step(most: f64) -> f64 {
    let rough = (most / GRID_LINES).max(1e-9);
    let power = 10f64.powf(rough.log10().floor());
    let fits = [1.0, 2.0, 5.0].iter().map(|part| part * power).find(|step| *step >= rough);
    fits.unwrap_or(10.0 * power)
}
