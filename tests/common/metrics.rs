//! The Prometheus text of `/metrics`.

/// Every figure of a scrape.
pub struct Metrics {
    figures: Vec<Figure>,
}

struct Figure {
    name: String,
    /// The text between the braces.
    labels: String,
    value: f64,
}

impl Metrics {
    /// Parses the text format.
    #[track_caller]
    pub fn parse(text: &str) -> Metrics {
        let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        Metrics { figures: lines.map(figure).collect() }
    }

    /// The sum of all figures called `name` that carry every one of `labels` (`name="value"`).
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let carries = |figure: &&Figure| labels.iter().all(|label| figure.labels.contains(label));
        self.named(name).filter(carries).map(|figure| figure.value).sum()
    }

    /// Whether there is a figure called `name`, or parts of a histogram or summary of that name.
    pub fn has(&self, name: &str) -> bool {
        ["", "_bucket", "_count", "_sum"].iter().any(|end| {
            let whole = format!("{name}{end}");
            self.named(&whole).next().is_some()
        })
    }

    /// Whether every figure called `name` carries a label called `label`.
    pub fn all_carry(&self, name: &str, label: &str) -> bool {
        self.named(name).all(|figure| figure.labels.contains(&format!("{label}=\"")))
    }

    /// Points taken over all protocols.
    pub fn accepted(&self) -> f64 {
        self.sum("irontsd_points_accepted_total", &[])
    }

    /// Lines and points refused over all protocols and reasons.
    pub fn rejected(&self) -> f64 {
        self.sum("irontsd_points_rejected_total", &[])
    }

    fn named(&self, name: &str) -> impl Iterator<Item = &Figure> {
        self.figures.iter().filter(move |figure| figure.name == name)
    }
}

#[track_caller]
fn figure(line: &str) -> Figure {
    let (name, rest) = line.split_at(line.find(['{', ' ']).expect("a name and a value"));
    let (labels, value) = match rest.strip_prefix('{') {
        Some(rest) => rest.rsplit_once('}').expect("a closing brace"),
        None => ("", rest),
    };
    let value = value.split_whitespace().next().and_then(|text| text.parse().ok());
    let value = value.unwrap_or_else(|| panic!("no value in {line:?}"));
    Figure { name: name.to_owned(), labels: labels.to_owned(), value }
}
