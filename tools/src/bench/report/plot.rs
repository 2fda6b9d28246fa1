//! One plot as SVG. Colours are classes, so that the page decides them for light and dark. Pure.

use std::fmt::Write;

use super::escape;
use super::scale::Scale;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 66.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 30.0;
/// Numbers on the time axis keep so far apart.
const LABEL_WIDTH: f64 = 44.0;

/// A line of a plot.
pub(super) struct Line {
    /// Its name in the legend.
    pub(super) name: String,
    /// Which of the page's colours, from 1.
    pub(super) colour: usize,
    /// Whether it is drawn in dashes.
    pub(super) dashed: bool,
    /// Where it goes; `None` breaks it.
    pub(super) points: Vec<Option<(f64, f64)>>,
}

/// A moment that is marked.
pub(super) struct Mark {
    /// When.
    pub(super) at: f64,
    /// What happened.
    pub(super) name: &'static str,
}

/// A plot.
pub(super) struct Plot {
    /// Its heading.
    pub(super) title: &'static str,
    /// What it shows, in a sentence.
    pub(super) note: String,
    /// From left to right.
    pub(super) x: Scale,
    /// From bottom to top.
    pub(super) y: Scale,
    /// Numbers at the bottom.
    pub(super) x_text: fn(f64) -> String,
    /// Numbers at the left.
    pub(super) y_text: fn(f64) -> String,
    /// What is drawn.
    pub(super) lines: Vec<Line>,
    /// What is marked.
    pub(super) marks: Vec<Mark>,
}

impl Plot {
    /// A figure with heading, legend and drawing.
    pub(super) fn html(&self) -> String {
        let mut out = String::from("<figure class=\"card plot\">");
        let _ = write!(out, "<figcaption><h2>{}</h2><div class=legend>", escape(self.title));
        for line in &self.lines {
            let dashed = if line.dashed { " dashed" } else { "" };
            let name = escape(&line.name);
            let _ = write!(out, "<span><i class=\"k{}{dashed}\"></i>{name}</span>", line.colour);
        }
        let _ = write!(
            out,
            "</div></figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=img aria-label=\"{}\">",
            escape(self.title)
        );
        self.draw_axes(&mut out);
        if let ([only], Scale::Linear { .. }) = (self.lines.as_slice(), self.y) {
            self.draw_area(&mut out, only);
        }
        self.lines.iter().for_each(|line| self.draw_line(&mut out, line));
        self.draw_marks(&mut out);
        let _ = write!(out, "</svg><p>{}</p></figure>", escape(&self.note));
        out
    }

    fn across(&self, value: f64) -> f64 {
        LEFT + self.x.place(value) * (WIDTH - LEFT - RIGHT)
    }

    fn up(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - self.y.place(value) * (HEIGHT - TOP - BOTTOM)
    }

    fn draw_axes(&self, out: &mut String) {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        for tick in self.y.ticks() {
            let (up, text) = (self.up(tick), escape(&(self.y_text)(tick)));
            let _ = write!(out, "<path class=grid d=\"M{LEFT} {up:.1}H{right}\"/>");
            let (left, up) = (LEFT - 8.0, up + 4.0);
            let _ = write!(out, "<text x={left} y={up:.1} class=end>{text}</text>");
        }
        let mut free = 0.0;
        for tick in self.x.ticks() {
            let across = self.across(tick);
            let _ = write!(out, "<path class=grid d=\"M{across:.1} {TOP}V{bottom}\"/>");
            if across < free {
                continue;
            }
            free = across + LABEL_WIDTH;
            let text = escape(&(self.x_text)(tick));
            let below = bottom + 18.0;
            let class = if across > WIDTH - RIGHT - LABEL_WIDTH / 3.0 { "end" } else { "mid" };
            let _ = write!(out, "<text x={across:.1} y={below} class={class}>{text}</text>");
        }
    }

    fn draw_marks(&self, out: &mut String) {
        for mark in &self.marks {
            let (across, bottom) = (self.across(mark.at), HEIGHT - BOTTOM);
            let _ = write!(out, "<path class=mark d=\"M{across:.1} {TOP}V{bottom}\"/>");
            let (x, y) = (across - 5.0, TOP + 11.0);
            let _ = write!(out, "<text x={x:.1} y={y} class=\"end note\">{}</text>", mark.name);
        }
    }

    fn draw_line(&self, out: &mut String, line: &Line) {
        let mut path = String::new();
        let mut pen_up = true;
        for point in &line.points {
            match point {
                None => pen_up = true,
                Some((x, y)) => {
                    let command = if pen_up { 'M' } else { 'L' };
                    let _ = write!(path, "{command}{:.1} {:.1}", self.across(*x), self.up(*y));
                    pen_up = false;
                }
            }
        }
        let dashed = if line.dashed { " dashed" } else { "" };
        let _ = write!(out, "<path class=\"line s{}{dashed}\" d=\"{path}\"/>", line.colour);
    }

    /// Below a line that is alone.
    fn draw_area(&self, out: &mut String, line: &Line) {
        let points: Vec<_> = line.points.iter().flatten().collect();
        let (Some(first), Some(last)) = (points.first(), points.last()) else { return };
        let bottom = HEIGHT - BOTTOM;
        let mut path = format!("M{:.1} {bottom}", self.across(first.0));
        for (x, y) in &points {
            let _ = write!(path, "L{:.1} {:.1}", self.across(*x), self.up(*y));
        }
        let _ = write!(path, "L{:.1} {bottom}Z", self.across(last.0));
        let _ = write!(out, "<path class=\"area f{}\" d=\"{path}\"/>", line.colour);
    }
}
