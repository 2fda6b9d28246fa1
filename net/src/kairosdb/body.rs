//! Judges the body of `POST /api/v1/datapoints`, metric by metric. Pure.
//!
//! As in KairosDB, what stands before a fault in the JSON is kept, and so is every good point of a
//! metric beside the bad ones.

use super::errors::Errors;
use super::metric::{Fields, Metric};
use crate::policy::Policy;
use crate::put::plain::reader::{Fault, Reader, Token};
use crate::reject::{Reason, Reject};
use irontsd_engine::types::Value;

/// Judges a body. Good points go to `out` by canonical name, in pieces of a bounded size.
pub fn judge(
    body: &[u8],
    policy: &Policy,
    mut out: impl FnMut(&[u8], &[(i64, Value)]) -> Result<(), Reject>,
) -> Errors {
    let mut errors = Errors::default();
    if let Err(error) = std::str::from_utf8(body) {
        let at = error.valid_up_to();
        errors.add(Reason::InvalidUtf8, || format!("Invalid json: invalid UTF-8 at byte {at}."));
        return errors;
    }
    let mut judge = |index, fields: &Fields<'_>, errors: &mut Errors| {
        Metric::new(index, policy, errors).judge(fields, &mut out)
    };
    if let Err(fault) = metrics(&mut Reader::new(body), &mut errors, &mut judge) {
        errors.add(Reason::Json, || match fault.at < body.len() {
            true if fault.what == START => format!("{START}."),
            true => format!("Invalid json: {} at byte {}.", fault.what, fault.at),
            false => "Invalid json. No content due to end of input.".to_owned(),
        });
    }
    errors
}

/// What is wrong with a body that is neither object nor array, in KairosDB's words.
const START: &str = "Invalid start of json";

fn metrics<'a>(
    reader: &mut Reader<'a>,
    errors: &mut Errors,
    judge: &mut impl FnMut(usize, &Fields<'a>, &mut Errors),
) -> Result<(), Fault> {
    let at = reader.offset();
    let start = Fault { at, what: START };
    match reader.token() {
        Ok(Token::Object) => judge(0, &Fields::read(reader)?, errors),
        Ok(Token::Array) => {
            let mut index = 0;
            while reader.item(index == 0)? {
                match reader.token()? {
                    Token::Object => judge(index, &Fields::read(reader)?, errors),
                    other => {
                        reader.skip(&other, 2)?;
                        errors.add(Reason::Json, || format!("metric[{index}] is not an object."));
                    }
                }
                index += 1;
            }
        }
        _ => return Err(start),
    }
    reader.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was taken, and the errors.
    fn judged(body: &str, strict: bool) -> (Vec<(String, i64, String)>, Vec<String>) {
        let policy = Policy { strict, ..Policy::default() };
        let mut taken = Vec::new();
        let errors = judge(body.as_bytes(), &policy, |name, samples| {
            let name = String::from_utf8_lossy(name).into_owned();
            let sample =
                |&(ms, value): &(i64, Value)| (name.clone(), ms, value.as_f64().to_string());
            taken.extend(samples.iter().map(sample));
            Ok(())
        });
        (taken, errors.listed().iter().map(|reject| reject.message.clone()).collect())
    }

    #[track_caller]
    fn check(body: &str, points: &[(&str, i64, &str)], expected: &[&str]) {
        let (taken, errors) = judged(body, false);
        let owned =
            |(name, ms, value): &(&str, i64, &str)| ((*name).to_owned(), *ms, (*value).to_owned());
        assert_eq!(taken, points.iter().map(owned).collect::<Vec<_>>(), "{body}");
        assert_eq!(errors, expected, "{body}");
    }

    #[test]
    fn both_forms_of_points_in_any_order_of_fields() {
        check(
            r#"{"name":"m","timestamp":5,"value":1,"tags":{"h":"a"},"datapoints":[[6,2.5],[7,"-3","long"]]}"#,
            &[("m h=a", 5, "1"), ("m h=a", 6, "2.5"), ("m h=a", 7, "-3")],
            &[],
        );
        check(
            r#" [{"datapoints":[["8",1e3]],"ttl":5,"skip_validate":true,"type":"double","tags":{"n":1},"name":"m"}] "#,
            &[("m n=1", 8, "1000")],
            &[],
        );
        check(
            r#"[{"name":"m","time":1.4e12,"timestamp":7,"value":"2"},{"name":"n","tags":{},"datapoints":[[1700000000000.9999,1]]}]"#,
            &[("m", 1_400_000_000_000, "2"), ("n", 1_700_000_000_000, "1")],
            &[],
        );
        check("[]", &[], &[]);
        check(r#"{"name":"m","tags":{"h":"a"},"datapoints":[]}"#, &[], &[]);
    }

    #[test]
    fn a_bad_point_loses_no_neighbour() {
        check(
            r#"[{"name":"m","tags":{"h":"a"},"value":9,"datapoints":[[],[1],[null,1],[1,null],[2,2],[3,"x"],[4,1e400],["x",1],[0,1],[5,9223372036854775808],[6,{}],[7,true],8,[9,1,"string"],[10,3]]},
              {"name":"n","timestamp":1,"value":1}]"#,
            &[("m h=a", 2, "2"), ("m h=a", 10, "3"), ("n", 1, "1")],
            &[
                "metric[0](name=m).timestamp may not be null.",
                "metric[0](name=m).datapoints[0].timestamp cannot be null or empty.",
                "metric[0](name=m).datapoints[1].value cannot be null or empty.",
                "metric[0](name=m).datapoints[2].timestamp may not be null.",
                "metric[0](name=m).datapoints[3].value may not be empty.",
                "metric[0](name=m).datapoints[5].value is not a finite number: Invalid character 'x' in x",
                "metric[0](name=m).datapoints[6].value is not a finite number: Infinity",
                "metric[0](name=m).datapoints[7].timestamp is not a whole number: x",
                "metric[0](name=m).datapoints[8].timestamp is out of range: 0",
                "metric[0](name=m).datapoints[9].value is not a finite number: Overflow in 9223372036854775808",
                "metric[0](name=m).datapoints[10].value is not a number.",
                "metric[0](name=m).datapoints[11].value is not a number.",
                "metric[0](name=m).datapoints[12] is not an array.",
                "Unregistered data point type 'string'",
            ],
        );
    }

    #[test]
    fn a_metric_needs_a_name_and_sound_tags() {
        check(
            r#"[5,{"timestamp":1,"value":1},{"name":"","timestamp":1,"value":1},{"name":[],"timestamp":1,"value":1},
              {"name":"m","tags":null,"timestamp":1,"value":1},{"name":"m","tags":[],"timestamp":1,"value":1},
              {"name":"m","tags":{"a":"","b":null,"":"c","d":{}},"timestamp":1,"value":1},
              {"name":"m","tags":{"a":"1","a":"2"},"timestamp":1,"value":1},
              {"name":"m","tags":{"__name__":"1"},"timestamp":1,"value":1},
              {"name":"m","timestamp":1},{"name":"m","timestamp":1,"value":null},{"name":"m","datapoints":{}},
              {"name":"m","type":"x","timestamp":1,"value":1},
              {"name":"m","tags":{"a":"1","a":"1"},"timestamp":1,"value":1}]"#,
            &[("m a=1", 1, "1")],
            &[
                "metric[0] is not an object.",
                "metric[1].name may not be null.",
                "metric[2].name may not be empty.",
                "metric[3].name is not a text.",
                "metric[4](name=m).tags count must be greater than or equal to 1.",
                "metric[5](name=m).tags is not an object.",
                "metric[6](name=m).tag[a].value may not be empty.",
                "metric[6](name=m).tag[b].value may not be null.",
                "metric[6](name=m).tag[2].name may not be empty.",
                "metric[6](name=m).tag[d].value is not a text.",
                "metric[7](name=m).tag[a] has a second value.",
                "metric[8](name=m): Invalid tag name with value [1] (\"__name__\"): reserved for the metric",
                "metric[9](name=m).value may not be null.",
                "metric[10](name=m).value may not be empty.",
                "metric[11](name=m).datapoints is not an array.",
                "Unregistered data point type 'x'",
            ],
        );
    }

    #[test]
    fn what_stands_before_a_fault_is_kept() {
        let good = r#"{"name":"m","timestamp":1,"value":1}"#;
        let point = [("m", 1, "1")];
        let end = "Invalid json. No content due to end of input.";
        check("", &[], &[end]);
        check("  ", &[], &[end]);
        check("5", &[], &["Invalid start of json."]);
        check("x", &[], &["Invalid start of json."]);
        check(&format!("[{good}"), &point, &[end]);
        check(&format!("[{good},{{\"name\""), &point, &[end]);
        check(
            &format!("[{good} {good}]"),
            &point,
            &["Invalid json: expected a comma or the array's end at byte 38."],
        );
        check(
            &format!("{good}\n{good}"),
            &point,
            &["Invalid json: text behind the end at byte 37."],
        );
        let deep = format!("{{\"name\":{}", "[".repeat(1 << 20));
        let (_, errors) = judged(&deep, false);
        assert_eq!(errors, ["Invalid json: nested too deeply at byte 70."]);
    }

    #[test]
    fn strictly_a_metric_needs_a_tag() {
        let (taken, errors) = judged(r#"{"name":"m","timestamp":1,"value":1}"#, true);
        let expected = "metric[0](name=m).tags count must be greater than or equal to 1.";
        assert_eq!((taken.len(), errors), (0, vec![expected.to_owned()]));
    }

    #[test]
    fn invalid_utf8_is_refused_with_its_place() {
        let errors = judge(b"[\"\xff\"]", &Policy::default(), |_, _| Ok(()));
        assert_eq!(errors.listed()[0].message, "Invalid json: invalid UTF-8 at byte 2.");
    }
}
