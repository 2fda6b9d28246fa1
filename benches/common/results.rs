//! Runs of nodes in turn.

use super::Outcome;
use super::node::Node;

/// The runs of one node.
pub struct Results<F> {
    /// The node's name.
    pub name: &'static str,
    /// Its release.
    pub version: String,
    /// The flags it was started with.
    pub flags: Vec<String>,
    /// What each run cost.
    pub figures: Vec<F>,
}

impl<F> Results<F> {
    /// No runs yet.
    pub fn of(node: &dyn Node) -> Self {
        let (name, version, flags) = (node.name(), node.version(), node.flags());
        Results { name, version, flags, figures: Vec::new() }
    }
}

/// Measures each node once, then each again, so that what changes on the machine hits all alike.
pub fn in_turn<F>(
    nodes: &[Box<dyn Node>],
    runs: u64,
    mut measure: impl FnMut(u64, &dyn Node) -> Outcome<F>,
) -> Outcome<Vec<Results<F>>> {
    let mut results: Vec<Results<F>> =
        nodes.iter().map(|node| Results::of(node.as_ref())).collect();
    for number in 1..=runs {
        for (node, results) in nodes.iter().zip(&mut results) {
            results.figures.push(measure(number, node.as_ref())?);
        }
    }
    Ok(results)
}
