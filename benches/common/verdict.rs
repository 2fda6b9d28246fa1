//! Whether what was to hold does.

use super::table;

/// One thing that must hold.
pub struct Verdict {
    /// What it is about.
    pub what: String,
    /// What was measured.
    pub found: String,
    /// What was demanded.
    pub bound: String,
    /// Whether it holds.
    pub holds: bool,
}

impl Verdict {
    /// The cells of a table as Markdown.
    pub fn table(verdicts: &[Verdict]) -> String {
        let mut rows = vec![["verdict", "found", "bound", "holds"].map(String::from).to_vec()];
        rows.extend(verdicts.iter().map(|verdict| {
            let holds = if verdict.holds { "yes" } else { "NO" };
            let Verdict { what, found, bound, .. } = verdict;
            vec![what.clone(), found.clone(), bound.clone(), holds.to_owned()]
        }));
        table::plain(&rows)
    }

    /// Whether all hold.
    pub fn all_hold(verdicts: &[Verdict]) -> bool {
        verdicts.iter().all(|verdict| verdict.holds)
    }
}
