//! Reading: which series, which time, which shape.

pub mod args;
pub mod buckets;
pub mod cardinality;
pub mod civil;
pub mod export;
pub mod find;
pub mod formats;
pub mod histogram_json;
pub mod json_line;
pub mod label_task;
pub mod labels;
pub mod number_lists;
pub mod number_text;
pub mod pages;
pub mod select;
pub mod task;
pub mod time_arg;
mod times_text;
pub mod within;
