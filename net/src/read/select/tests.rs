//! Selectors end to end, the rewriting of regular expressions, and what both must refuse.

use proptest::prelude::*;

use super::parser::PATTERNS_MAX;
use super::*;

fn parsed(text: &str) -> Selector {
    parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Whether a selector takes a series given as `name,label=value,...`.
fn takes(selector: &Selector, series: &str) -> bool {
    let (name, labels) = series.split_once(',').unwrap_or((series, ""));
    let find = |label: &str| {
        let mut pairs = labels.split(',').filter_map(|pair| pair.split_once('='));
        pairs.find(|(key, _)| *key == label).map(|(_, value)| value)
    };
    selector.matches(|label| if label == NAME_LABEL { Some(name) } else { find(label) })
}

/// Matchers of a selector in one line: groups joined with `|`, matchers with a space.
fn shown(text: &str) -> String {
    let op = |op: &Op| match op {
        Op::Equal(value) => format!("={value}"),
        Op::NotEqual(value) => format!("!={value}"),
        Op::Match(pattern) => format!("=~{}", pattern.as_str()),
        Op::NotMatch(pattern) => format!("!~{}", pattern.as_str()),
    };
    let matcher = |matcher: &Matcher| match matcher.label.as_str() {
        NAME_LABEL => op(&matcher.op),
        label => format!("{label}{}", op(&matcher.op)),
    };
    let group = |group: &Vec<Matcher>| group.iter().map(matcher).collect::<Vec<_>>().join(" ");
    parsed(text).groups.iter().map(group).collect::<Vec<_>>().join(" | ")
}

#[test]
fn grammar() {
    for (text, want) in [
        ("cpu.user", "=cpu.user"),
        (" \t\r\n\x0b\x0ccpu # comment", "=cpu"),
        ("# first\ncpu\n#last", "=cpu"),
        ("a:b_c.d.", "=a:b_c.d."),
        ("t\u{e9}mp\u{6e29}", "=t\u{e9}mp\u{6e29}"),
        ("with", "=with"),
        ("or", "=or"),
        ("\\inf", "=inf"),
        ("infinite", "=infinite"),
        ("cpu{}", "=cpu"),
        ("((cpu{a='b'},))", "=cpu a=b"),
        ("( # x\ncpu\n)", "=cpu"),
        ("+cpu", "=cpu"),
        ("+ (+ +{a=\"1\"})", "a=1"),
        ("{a=\"1\"}", "a=1"),
        ("{a=\"1\",b!=\"2\" , c=~\"3\",d!~\"4\",}", "a=1 b!=2 c=~3 d!~4"),
        ("cpu{a=\"1\",a=\"1\",a=~\"1\",a=~\"1\"}", "=cpu a=1 a=~1"),
        ("{a=\"1\" or b=\"2\" OR c=\"3\",d=\"4\",}", "a=1 | b=2 | c=3 d=4"),
        ("cpu{a=\"1\" or b=\"2\"}", "=cpu a=1 | =cpu b=2"),
        ("{or=\"1\" or or=\"2\",or=\"3\"}", "or=1 | or=2 or=3"),
        ("{\"cpu-user\"}", "=cpu-user"),
        ("{a=\"1\", 'cpu'}", "a=1 =cpu"),
        ("cpu{\"cpu\"}", "=cpu"),
        ("{\"a b\"=\"1\",`c`='2'}", "a b=1 c=2"),
        ("{__name__=\"cpu\"}", "=cpu"),
        ("{__name__!=\"cpu\"}", "!=cpu"),
        ("cpu{__name__=~\"c.*\"}", "=cpu =~c.*"),
        ("{a=\"1\" or \"cpu\",b=\"2\"}", "=cpu a=1 | =cpu b=2"),
        ("{\"x\" or \"x\",a=\"1\" or b=\"2\"}", "=x | =x a=1 | =x b=2"),
        ("{\"x\" or \"y\" or b=\"2\"}", "=x | =y | b=2"),
        ("{__name__=~\"x\" or b=\"2\"}", "=~x | b=2"),
        ("{__name__=\"\" or b=\"2\"}", "= | b=2"),
        ("{a=\"we\" + 'b' +`01`}", "a=web01"),
        ("{a!~\".*\"}", "a!~.+"),
    ] {
        assert_eq!(shown(text), want, "{text}");
    }
}

#[test]
fn names_and_strings() {
    for (text, want) in [
        (r"a\-b\/c", "=a-b/c"),
        (r"\2xx", "=2xx"),
        (r"a\x2db", "=a-b"),
        (r"a\xE9b", "=a\u{e9}b"),
        (r"a\u002db\U002dc", "=a-b-c"),
        (r"a\ b\\c\.d", r"=a b\c.d"),
        (r#"{"qu\"ote"}"#, "=qu\"ote"),
        (r#"{"a\x2db\nc"}"#, "=a-bnc"),
        (r"{`back\slash`}", "=backslash"),
        ("{\"new\nline\"}", "=new\nline"),
        (r#"{a\-b="1"}"#, "a-b=1"),
        (r#"{a="\a\b\f\n\r\t\v\\\""}"#, "a=\x07\x08\x0c\n\r\t\x0b\\\""),
        (r"{a='it\'s \\'}", r"a=it's \"),
        (r#"{a='say "x"'}"#, "a=say \"x\""),
        (r#"{a="it's `x`"}"#, "a=it's `x`"),
        (r#"{a="\xc3\xa9\303\251\u00e9\U0001f600"}"#, "a=\u{e9}\u{e9}\u{e9}\u{1f600}"),
        (r"{a=`C:\dir\`}", r"a=C:\dir\"),
        ("{a=`x\r\ny`}", "a=x\ny"),
        (r#"{a="{#},="}"#, "a={#},="),
    ] {
        assert_eq!(shown(text), want, "{text}");
    }
}

#[test]
fn refused() {
    for (text, offset, reason) in [
        ("", 0, "metric name or opening brace"),
        ("#", 1, "metric name or opening brace"),
        ("{}", 0, "without a matcher"),
        ("({ })", 1, "without a matcher"),
        ("cpu{", 4, "label name"),
        ("cpu{,}", 4, "label name"),
        ("cpu{a=\"b\",,}", 10, "label name"),
        ("cpu{a=\"b\"", 9, "closing brace"),
        ("cpu{a=\"b\" c=\"d\"}", 10, "closing brace"),
        ("cpu{a}", 5, "= != =~ !~"),
        ("cpu{a==\"b\"}", 6, "quoted string"),
        ("cpu{a=b}", 6, "quoted string"),
        ("cpu{a=\"b\"+}", 10, "quoted string"),
        ("cpu{a~\"b\"}", 5, "= != =~ !~"),
        ("{a=\"1\", or b=\"2\"}", 11, "= != =~ !~"),
        ("{a=\"1\" or}", 9, "label name"),
        ("{a=\"1\" or or b=\"2\"}", 13, "= != =~ !~"),
        ("cpu}", 3, "plain selector"),
        ("cpu[5m]", 3, "plain selector"),
        ("cpu offset 5m", 4, "plain selector"),
        ("a or b", 2, "plain selector"),
        ("a-b", 1, "plain selector"),
        ("cpu\u{a0}", 3, "plain selector"),
        ("http\u{ff12}", 4, "plain selector"),
        ("cafe\u{301}", 4, "plain selector"),
        ("(cpu", 4, "closing parenthesis"),
        ("(cpu,b)", 5, "closing parenthesis"),
        ("cpu)", 3, "plain selector"),
        ("(cpu){a=\"b\"}", 5, "plain selector"),
        ("rate(cpu)", 4, "functions"),
        ("WITH (a=1) a", 5, "WITH"),
        ("Inf", 0, "a number"),
        ("nan{a=\"b\"}", 0, "a number"),
        ("5", 0, "metric name"),
        ("\"cpu\"", 0, "metric name"),
        ("\u{feff}cpu", 0, "metric name"),
        ("cp\\user", 2, "escape in a name"),
        ("cp\\ud800", 2, "escape in a name"),
        ("cp\\x+1", 2, "escape in a name"),
        ("cp\\\n", 2, "escape in a name"),
        ("cp\\", 2, "escape in a name"),
        ("{\"\\x1\"}", 1, "escape in a name"),
        ("{a=\"b}", 3, "closing quote"),
        ("{a=\"b\\\"}", 3, "closing quote"),
        ("{a=\"\\.\"}", 3, "escape in a string"),
        ("{a=\"\\'\"}", 3, "escape in a string"),
        ("{a='\\\"'}", 3, "escape in a string"),
        ("{a=\"\\xzz\"}", 3, "escape in a string"),
        ("{a=\"\\u12\"}", 3, "escape in a string"),
        ("{a=\"\\400\"}", 3, "escape in a string"),
        ("{a=\"\\18\"}", 3, "escape in a string"),
        ("{a=\"\\xff\"}", 3, "UTF-8"),
        ("{a=\"b\nc\"}", 3, "line end"),
        ("{a=~\"(\"}", 4, "regular expression"),
        ("cpu{__name__=\"x\"}", 0, "set twice"),
        ("cpu{__name__=\"\"}", 0, "set twice"),
        ("cpu+", 3, "plain selector"),
        ("-cpu", 0, "expected"),
        ("cpu{a=\"b\" or \"x\"}", 0, "set twice"),
        ("{\"x\",\"y\"}", 0, "set twice"),
    ] {
        let error = parse(text).expect_err(text);
        assert_eq!(error.offset, offset, "{text}: {error}");
        assert!(error.reason.contains(reason), "{text}: {error}");
        assert!(text[offset..].starts_with(&error.rest), "{text}: {error}");
        assert!(!error.to_string().contains('\n'), "{text}: {error}");
    }
}

#[test]
fn too_many_or_too_large_patterns() {
    let many = |count: usize| format!("{{{}}}", "a=~\"x\",".repeat(count));
    assert!(parse(&many(PATTERNS_MAX)).is_ok());
    assert!(parse(&many(PATTERNS_MAX + 1)).is_err());
    for pattern in ["((a{1000}){1000}){1000}", "(\\\\pL{1000}){1000}"] {
        let error = parse(&format!("{{a=~\"{pattern}\"}}")).expect_err(pattern);
        assert!(error.reason.contains("too large"), "{error}");
    }
    let hosts: Vec<String> = (0..1500).map(|i| format!("web-{i:05}")).collect();
    assert!(parse(&format!("{{a=~\"(?i){}\"}}", hosts.join("|"))).is_ok());
}

#[test]
fn missing_labels_are_empty() {
    // The series: one with t=x, one with t=y, one without t.
    for (matcher, want) in [
        ("t=\"\"", [false, false, true]),
        ("t!=\"\"", [true, true, false]),
        ("t=\"x\"", [true, false, false]),
        ("t!=\"x\"", [false, true, true]),
        ("t=~\"\"", [false, false, true]),
        ("t!~\"\"", [true, true, false]),
        ("t=~\"x|\"", [true, false, true]),
        ("t!~\"x|\"", [false, true, false]),
        ("t=~\".+\"", [true, true, false]),
        ("t!~\".+\"", [false, false, true]),
        ("t=~\".*\"", [true, true, true]),
        ("t!~\".*\"", [false, false, true]),
        ("t!~\".*|x\"", [false, false, false]),
        ("t!~\"x\"", [false, true, true]),
        ("t=~\"x?\"", [true, false, true]),
        ("nosuch=\"\"", [true, true, true]),
        ("nosuch!=\"v\"", [true, true, true]),
        ("nosuch!~\"v|\"", [false, false, false]),
        ("t!=\"x\",t!=\"\"", [false, true, false]),
        ("t=\"x\" or t=\"\"", [true, false, true]),
    ] {
        let selector = parsed(&format!("m{{{matcher}}}"));
        let got = ["m,t=x", "m,t=y", "m,u=x"].map(|series| takes(&selector, series));
        assert_eq!(got, want, "{matcher}");
        assert!(!takes(&selector, "other,t=x"), "{matcher}");
    }
}

#[test]
fn patterns_mean_what_re2_means() {
    for (pattern, yes, no) in [
        ("b", "b", "abc"),
        ("^b$", "b", "^b$"),
        ("ab|c", "c", "abc"),
        ("^ab|bc$", "bc", "abc"),
        (r"\w+", "a_9", "\u{e9}"),
        (r"\W", "\u{e9}", "a"),
        (r"\d", "5", "\u{665}"),
        (r"\D", "\u{665}", "5"),
        (r"\s", "\t", "\u{a0}"),
        (r"\S", "\u{a0}", " "),
        (r"[\w-]+", "a-b", "a+b"),
        (r"[^\d]", "x", "5"),
        (r".*\bbar", "foo-bar", "foobar"),
        (r"a.\b.", "a\u{e9}b", "aab"),
        (r"a\Bb", "ab", "a b"),
        (r"\Qa.c\E+", "a.cc", "abcc"),
        (r"\Qa|b", "a|b", "a"),
        (r"\x61\x{1F600}", "a\u{1f600}", "a"),
        (r"\141\0", "a\0", "a0"),
        (r"\a\f\n\r\t\v", "\x07\x0c\n\r\t\x0b", "a"),
        (r"\.\_\<\-", "._<-", "x_<-"),
        ("a.c", "a\nc", "ac"),
        ("(?-s)a.c", "abc", "a\nc"),
        ("(?i)\u{c9}a", "\u{e9}A", "eA"),
        ("(?i)a(?-i)b", "Ab", "AB"),
        ("(?i:A)b", "ab", "aB"),
        ("(?P<n>a)(?<m>b)", "ab", "a"),
        ("a{2}", "aa", "a{2}"),
        ("a{1,}b{0,2}", "aabb", "abbb"),
        ("a{,2}", "a{,2}", "aa"),
        ("a{x}", "a{x}", "a"),
        ("a{", "a{", "a"),
        ("a}]", "a}]", "a"),
        ("(a*)*?", "aa", "b"),
        ("a??", "", "aa"),
        ("[]a]+", "]a", "b"),
        ("[^]a]", "b", "]"),
        ("[[]", "[", "[["),
        ("[[a]b]", "[b]", "[[a]b]"),
        ("[a-c-e]+", "-e", "d"),
        ("[-a]+", "-a", "b"),
        ("[a-]+", "-a", "b"),
        ("[a&&b]+", "&b", "c"),
        ("[a~~b]", "~", "c"),
        (r"[\]\\\-]+", r"]\-", "a"),
        (r"[\x61-\x63]", "b", "x"),
        ("[[:alpha:]_]+", "a_", "1"),
        ("[[:^alpha:]]", "1", "a"),
        ("[[:x]+", "[:x", "a"),
        (r"\pL\p{Greek}\PL\p{^Greek}", "a\u{3b1}1b", "a\u{3b1}1\u{3b1}"),
        ("a#b c", "a#b c", "a"),
        ("", "", "a"),
        ("()|a", "", "b"),
    ] {
        let pattern = Pattern::new(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"));
        assert!(pattern.is_match(yes), "{pattern:?} should match {yes:?}");
        assert!(!pattern.is_match(no), "{pattern:?} should not match {no:?}");
    }
}

#[test]
fn patterns_re2_refuses() {
    for pattern in [
        "(",
        ")",
        "a)(b",
        "(a",
        "a))((b",
        "[a",
        "[",
        "[]",
        "[^]",
        "+",
        "*a",
        "a|*",
        "a**",
        "a+*",
        "a{2}{3}",
        "a???",
        "a{1001}",
        "a{2,1}",
        "(?=a)",
        "(?!a)",
        "(?<=a)",
        "(?<!a)",
        "(?z)",
        "(?x)a",
        "(?u)a",
        "(?",
        "(?i",
        "(?P<n",
        "(?P<>a)",
        "(?P=n)",
        r"(a)\1",
        r"\y",
        r"\8",
        r"\",
        r"a\",
        r"[\",
        r"[\b]",
        r"[a-\d]",
        "[z-a]",
        "[[:foo:]]",
        r"\x",
        r"\x1",
        r"\xzz",
        r"\x{}",
        r"\x{110000}",
        r"\x{d800}",
        r"\p",
        r"\p{",
        r"\p{Nosuch}",
        r"\p{a=b}",
        r"\Z",
        r"\C",
        r"\u0041",
        "\\\u{e9}",
        r"\E",
    ] {
        match Pattern::new(pattern) {
            Err(reason) => assert!(!reason.contains('\n') && !reason.is_empty(), "{reason}"),
            Ok(_) => panic!("{pattern} accepted"),
        }
    }
}

#[test]
fn literals_of_patterns() {
    for (pattern, want) in [
        ("a", Some(vec!["a"])),
        ("a|b-c", Some(vec!["a", "b-c"])),
        ("(a|b)", Some(vec!["a", "b"])),
        (r"10\.0\.0\.1|x", Some(vec!["10.0.0.1", "x"])),
        ("a|", Some(vec!["a", ""])),
        ("", Some(vec![""])),
        ("(a)|(b)", None),
        ("a.b", None),
        (r"\d", None),
        ("[ab]", None),
        ("(?i)a", None),
        ("^a$", None),
    ] {
        let literals = Pattern::new(pattern).ok().and_then(|pattern| pattern.literals());
        let want = want.map(|all| all.into_iter().map(str::to_owned).collect::<Vec<_>>());
        assert_eq!(literals, want, "{pattern}");
    }
}

#[test]
fn exact_names() {
    for (text, want) in [
        ("cpu", Some("cpu")),
        ("cpu{a=\"1\" or b=\"2\"}", Some("cpu")),
        ("{a=\"1\" or __name__=\"cpu\"}", Some("cpu")),
        ("{\"x\" or \"y\"}", None),
        ("{__name__=~\"cpu\"}", None),
        ("{__name__=\"\"}", None),
        ("{a=\"1\"}", None),
    ] {
        assert_eq!(parsed(text).exact_name(), want, "{text}");
    }
}

#[test]
fn and_adds_to_every_group() {
    let mut selector = parsed("{t=\"x\" or t=\"y\"}");
    let extra = Matcher { label: "id".to_owned(), op: Op::Equal("b".to_owned()) };
    selector.and(&extra);
    let once = selector.clone();
    selector.and(&extra);
    assert_eq!(selector, once);
    assert!(takes(&selector, "m,t=y,id=b"));
    assert!(!takes(&selector, "m,t=y,id=a") && !takes(&selector, "m,t=x"));
}

proptest! {
    #[test]
    fn any_value_can_be_selected(value in any::<String>()) {
        let quoted: String = value.bytes().map(|byte| format!("\\x{byte:02x}")).collect();
        let selector = parsed(&format!("m{{a=\"{quoted}\"}}"));
        let taken = selector.matches(|label| Some(if label == "a" { &value } else { "m" }));
        prop_assert!(taken);
    }

    #[test]
    fn any_literal_pattern_matches_itself(value in any::<String>()) {
        let quoted: String = value.chars().map(|c| format!("\\x{{{:x}}}", u32::from(c))).collect();
        let pattern = Pattern::new(&quoted);
        prop_assume!(pattern.is_ok() || value.len() < 1000);
        prop_assert!(pattern.is_ok_and(|pattern| pattern.is_match(&value)));
    }

    #[test]
    fn no_panic(text in "[a-c\\\\{}()=!~\"'`+,#\n\u{e9}xu01or ]{0,30}") {
        if let Err(error) = parse(&text) {
            prop_assert!(!error.to_string().contains('\n'));
            prop_assert!(text[error.offset..].starts_with(&error.rest));
        }
    }

    /// Whatever the rewriting accepts, the anchors hold: no group of the text closes them.
    #[test]
    fn no_pattern_escapes_its_anchors(text in "[ab.*+?(){}|\\[\\]\\\\^$0-9,:QEPpd<>i-]{0,16}") {
        if let Ok(rewritten) = re2::translate(&text) {
            let alone = regex::bytes::Regex::new(&rewritten);
            prop_assert_eq!(alone.is_ok(), Pattern::new(&text).is_ok(), "{}", rewritten);
        }
    }
}
