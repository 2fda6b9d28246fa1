//! The fast reader: ordinary bodies, all of whose points are good, through simd-json. Whatever is
//! not so is left to the plain reader, from the start.

use super::Batch;
use super::rules::{self, Judge};
use crate::number::{self, Timestamp};
use crate::point::Tags;
use irontsd_engine::types::Value;
use simd_json::{Buffers, INPUT_PADDING, Node, StaticNode, Tape};

/// An ordinary body: array, element, tags.
const DEPTH_MAX: usize = 3;

/// More tags than this are not ordinary either.
const TAGS_MAX: usize = 64;

/// The parser's memory.
pub struct Parser {
    copy: Vec<u8>,
    buffers: Buffers,
    tape: Tape<'static>,
}

impl std::fmt::Debug for Parser {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Parser").finish_non_exhaustive()
    }
}

impl Default for Parser {
    fn default() -> Self {
        let buffers = Buffers::with_max_depth(0, DEPTH_MAX);
        Parser { copy: Vec::new(), buffers, tape: Tape(Vec::new()) }
    }
}

impl Parser {
    /// Puts all points of a body into the batch; `None` if this is not the reader for it.
    pub fn collect(&mut self, body: &[u8], judge: &Judge<'_>, batch: &mut Batch) -> Option<()> {
        batch.clear();
        self.copy.clear();
        self.copy.extend_from_slice(body);
        self.copy.resize(body.len() + INPUT_PADDING, b' ');
        let mut tape = std::mem::replace(&mut self.tape, Tape(Vec::new())).reset();
        let copy = &mut self.copy;
        let read = simd_json::fill_tape_padded(copy, body.len(), &mut self.buffers, &mut tape)
            .ok()
            .and_then(|()| elements(&tape.0, judge, batch));
        self.tape = tape.reset();
        read
    }
}

/// What comes next on the tape.
type Nodes<'t, 'a> = std::slice::Iter<'t, Node<'a>>;

fn elements<'a>(tape: &[Node<'a>], judge: &Judge<'a>, batch: &mut Batch) -> Option<()> {
    let mut tags = Tags::default();
    let mut nodes = tape.iter();
    match *nodes.next()? {
        Node::Object { len, .. } => element(0, len, &mut nodes, judge, &mut tags, batch),
        Node::Array { len: 1.., .. } => {
            let mut index = 0;
            while let Some(node) = nodes.next() {
                let Node::Object { len, .. } = *node else { return None };
                element(index, len, &mut nodes, judge, &mut tags, batch)?;
                index += 1;
            }
            Some(())
        }
        _ => None,
    }
}

fn element<'a>(
    index: usize,
    len: usize,
    nodes: &mut Nodes<'_, 'a>,
    judge: &Judge<'a>,
    tags: &mut Tags<'a>,
    batch: &mut Batch,
) -> Option<()> {
    let (mut metric, mut time, mut value) = (None, None, None);
    tags.clear();
    for _ in 0..len {
        let (key, node) = (text(nodes.next()?)?, nodes.next()?);
        match key {
            "metric" => metric = Some(text(node)?),
            "timestamp" => time = Some(timestamp(node)?),
            "value" => value = Some(number(node)?),
            "tags" => set_tags(node, nodes, tags)?,
            _ if matches!(node, Node::String(_) | Node::Static(_)) => {}
            _ => return None,
        }
    }
    for (key, value) in judge.extra {
        tags.set(key.as_bytes(), value.as_bytes());
    }
    let (metric, time) = (metric.filter(|metric| !metric.is_empty())?, judge.time(time)?);
    judge.point(index, metric.as_bytes(), time, value?, tags, batch).ok()
}

fn text<'a>(node: &Node<'a>) -> Option<&'a str> {
    match *node {
        Node::String(text) => Some(text),
        _ => None,
    }
}

/// Fractions are left to the plain reader: their text is lost here.
fn timestamp(node: &Node<'_>) -> Option<Timestamp> {
    match *node {
        Node::Static(StaticNode::U64(number)) => {
            Some(number::timestamp_of(i64::try_from(number).ok()?))
        }
        Node::String(text) => rules::timestamp_text(text.as_bytes(), false),
        _ => None,
    }
}

fn number(node: &Node<'_>) -> Option<Value> {
    match *node {
        Node::Static(StaticNode::U64(number)) => i64::try_from(number).ok().map(Value::integer),
        Node::Static(StaticNode::I64(number)) => Some(Value::integer(number)),
        Node::Static(StaticNode::F64(number)) => {
            number.is_finite().then(|| Value::from_f64(number))
        }
        Node::String(text) if !text.is_empty() => rules::value(text.as_bytes()).ok(),
        _ => None,
    }
}

fn set_tags<'a>(node: &Node<'a>, nodes: &mut Nodes<'_, 'a>, tags: &mut Tags<'a>) -> Option<()> {
    let Node::Object { len: len @ ..=TAGS_MAX, .. } = *node else { return None };
    tags.clear();
    for _ in 0..len {
        let (key, value) = (text(nodes.next()?)?, text(nodes.next()?)?);
        tags.set(key.as_bytes(), value.as_bytes());
    }
    Some(())
}
